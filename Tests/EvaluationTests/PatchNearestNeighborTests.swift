import SelfPatchEvaluation
import SelfPatchTensors
import Testing

@Suite struct PatchNearestNeighborTests {
    @Test func sharesOfAPatchAreThoseOfItsPixels() {
        // Two patches of 2 x 2 and a column and a row beyond them.
        let mask: [UInt8] = [
            0, 1, 2, 2, 9,
            1, 1, 255, 2, 9,
            0, 0, 0, 0, 0,
        ]
        let labels = PatchLabels(mask: mask, height: 3, width: 5, patchSize: 2, classCount: 3)
        #expect(labels.count == 2)
        #expect(labels.shares == [0.25, 0.75, 0, 0, 0, 1])
        #expect(labels.majority(of: 0) == 1)
        #expect(labels.majority(of: 1) == 2)
    }

    @Test func patchWithoutALabelHasNoMajority() {
        let labels = PatchLabels(mask: [255, 255, 255, 255], height: 2, width: 2, patchSize: 2, classCount: 2)
        #expect(labels.shares == [0, 0])
        #expect(labels.majority(of: 0) == nil)
    }

    @Test func equalSharesGiveTheLowerClass() {
        #expect(PatchLabels(classCount: 3, shares: [0, 0.5, 0.5]).majority(of: 0) == 1)
    }

    private func oneHot(_ places: [Int], width: Int) -> Tensor {
        Tensor(
            places.flatMap { place in (0..<width).map { $0 == place ? Float(1) : 0 } }, shape: [places.count, width])
    }

    @Test func neighborsVoteWithTheirShares() {
        let bank = PatchBank(
            features: oneHot([0, 0, 1], width: 4), labels: PatchLabels(classCount: 2, shares: [1, 0, 0.5, 0.5, 0, 1]))
        var settings = PatchNearestNeighbors.Settings()
        settings.neighborCount = 2
        let shares = PatchNearestNeighbors(bank: bank, settings: settings).shares(of: oneHot([0, 1], width: 4)).shares
        #expect(abs(shares[0] - 0.75) < 1e-6 && abs(shares[1] - 0.25) < 1e-6)
        // The second query has its own vector and, at cosine 0, the first of the bank: weights e^(1/0.07) and 1.
        #expect(shares[3] > 0.999_999)
    }

    @Test func bankTakesEvenlyFromAllImagesAndSkipsUnlabelledPatches() throws {
        var settings = PatchNearestNeighbors.Settings()
        settings.bankSize = 30
        func gather() throws -> PatchBank {
            var builder = PatchBank.Builder(imageCount: 10, settings: settings)
            for image in 1...10 {
                let shares: [Float] = (0..<8).flatMap { patch -> [Float] in patch == 0 ? [0, 0] : [1, 0] }
                builder.add(
                    features: Tensor.full([8, 4], value: Double(image)),
                    labels: PatchLabels(classCount: 2, shares: shares))
            }
            return try #require(builder.bank)
        }
        let bank = try gather()
        #expect(bank.count == 30)
        #expect(bank.features.shape == [30, 4])
        let origins = bank.features.floats().enumerated().compactMap { $0.offset % 4 == 0 ? Int($0.element) : nil }
        for image in 1...10 { #expect(origins.count { $0 == image } == 3) }
        #expect(bank.labels.shares.enumerated().allSatisfy { $0.element == ($0.offset % 2 == 0 ? 1 : 0) })
        #expect(try gather().features.floats() == bank.features.floats())
    }

    @Test func imagesWithFewPatchesLeaveTheirRoomToOthers() throws {
        var settings = PatchNearestNeighbors.Settings()
        settings.bankSize = 12
        var builder = PatchBank.Builder(imageCount: 3, settings: settings)
        for count in [1, 2, 50] {
            builder.add(
                features: Tensor.ones([count, 2]),
                labels: PatchLabels(classCount: 1, shares: [Float](repeating: 1, count: count)))
        }
        #expect(builder.bank?.count == 12)
    }

    @Test func noLabelsGiveNoBank() {
        var builder = PatchBank.Builder(imageCount: 1, settings: .init())
        builder.add(features: Tensor.ones([1, 2]), labels: PatchLabels(classCount: 2, shares: [0, 0]))
        #expect(builder.bank == nil)
    }
}
