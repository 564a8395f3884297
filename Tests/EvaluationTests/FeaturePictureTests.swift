import SelfPatchEvaluation
import SelfPatchTensors
import Testing

@Suite struct FeaturePictureTests {
    private func features(images: Int, grid: Grid, width: Int, seed: UInt64) -> Tensor {
        var generator = KeyedGenerator(seed)
        // A quarter of the patches, a block in the middle, points elsewhere than the rest.
        let values = (0..<images * grid.count).flatMap { place -> [Float] in
            let (row, column) = (place % grid.count / grid.columns, place % grid.columns)
            let isThing = row * 4 / grid.rows % 3 != 0 && column * 4 / grid.columns % 3 != 0
            return (0..<width).map {
                Float(generator.uniform(-0.2, 0.2)) + (isThing ? Float($0 % 2) : Float(1 - $0 % 2))
            }
        }
        return Tensor(values, shape: [images, grid.count, width])
    }

    @Test func directionsAreOrthonormalAndExplainTheVariance() {
        let flat = features(images: 3, grid: Grid(rows: 8, columns: 8), width: 12, seed: 1).reshaped(to: [192, 12])
        let components = PrincipalComponents(of: flat, components: 4)
        let product = components.directions.transposed(0, 1).matmul(components.directions).doubles()
        for row in 0..<4 {
            for column in 0..<4 { #expect(abs(product[row * 4 + column] - (row == column ? 1 : 0)) < 1e-9) }
        }
        #expect(components.varianceShares[0] > 0.8)
        #expect(zip(components.varianceShares, components.varianceShares.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(components.varianceShares.reduce(0, +) <= 1 + 1e-9)
    }

    @Test func scoresDoNotDependOnTheOrderOfPatchesNorOnTheirLengths() {
        let flat = features(images: 2, grid: Grid(rows: 4, columns: 4), width: 6, seed: 2).reshaped(to: [32, 6])
        let plain = PrincipalComponents(of: flat).scores(of: flat).doubles()
        let turned = flat.flipped([0])
        let other = PrincipalComponents(of: turned * 3).scores(of: flat).doubles()
        for (a, b) in zip(plain, other) { #expect(abs(a - b) < 1e-6) }
    }

    @Test func rarePatchesComeOutBright() {
        let grid = Grid(rows: 8, columns: 8)
        let pictures = PrincipalComponents.pictures(of: features(images: 2, grid: grid, width: 10, seed: 3), grid: grid)
        #expect(pictures.count == 2)
        for picture in pictures {
            #expect(picture.height == 8 && picture.width == 8)
            func red(_ row: Int, _ column: Int) -> UInt8 { picture.bytes[(row * 8 + column) * 3] }
            #expect(red(4, 4) > 180 && red(0, 0) < 75 && red(7, 7) < 75)
        }
    }

    @Test func constantFeaturesStillGiveAPicture() {
        let pictures = PrincipalComponents.pictures(of: Tensor.ones([1, 6, 4]), grid: Grid(rows: 2, columns: 3))
        #expect(pictures[0].bytes.count == 18)
    }

    @Test func similarityIsTheCosine() {
        let grid = Grid(rows: 1, columns: 3)
        let features = Tensor([Float(2), 0, 1, 1, 0, 5], shape: [3, 2])
        let similarity = PatchSimilarity(features: features, grid: grid, chosen: 0)
        #expect(abs(similarity.cosines[0] - 1) < 1e-6)
        #expect(abs(similarity.cosines[1] - 0.70711) < 1e-4)
        #expect(abs(similarity.cosines[2]) < 1e-6)
        #expect(abs(similarity.range.lowerBound) < 1e-6 && abs(similarity.range.upperBound - 0.70711) < 1e-4)
        let map = similarity.heatMap
        #expect(map.height == 1 && map.width == 3)
    }

    @Test func warmerIsAlwaysLighter() {
        let light = (0...100).map { step -> Double in
            let color = HeatMap.color(at: Float(step) / 100)
            return 0.3 * Double(color.red) + 0.59 * Double(color.green) + 0.11 * Double(color.blue)
        }
        #expect(zip(light, light.dropFirst()).allSatisfy { $0 < $1 })
        #expect(HeatMap.color(at: .nan) == HeatMap.color(at: 0))
        #expect(HeatMap.color(at: -5) == HeatMap.color(at: 0) && HeatMap.color(at: 7) == HeatMap.color(at: 1))
    }
}
