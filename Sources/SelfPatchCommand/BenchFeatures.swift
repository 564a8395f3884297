import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// `selfpatch bench features`: images a second that a network gives features of.
struct BenchFeatures: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Measure how fast a network gives features: image summary and mean patch, without reading images.",
        discussion: """
            Views of random bytes go through the network as in knn and embed, from bytes to features on the CPU; the first \
            batch warms up and does not count. FILE of --views holds other bytes, as torch.save writes a dictionary: 'views' \
            [images, channels, height, width]; with --features what comes out is written, to compare with another program.

            EXAMPLES
              selfpatch bench features
              selfpatch bench features --size tiny --batch 1 --threads 1 --precision bf16
              selfpatch bench features --weights run --side 448 --json
              selfpatch bench features --weights timm-folder --views views.pth --features features.safetensors
            """)

    @Option(help: "Size of the network: nano, tiny, small or base, with patches of 16 pixels, freshly drawn.")
    var size = Architecture.Size.small

    @Option(help: NetworkOptions.weightsHelp)
    var weights: String?

    @Option(help: ArgumentHelp("Views that go through the network together (default: 32).", valueName: "n"))
    var batch: Int?

    @Option(help: ArgumentHelp("Height and width of a view (default: 224, or the weights').", valueName: "pixels"))
    var side: Int?

    @Option(help: ArgumentHelp("Batches that count.", valueName: "n"))
    var batches = 8

    @Option(help: ArgumentHelp("Views to take instead of random ones.", valueName: "file"))
    var views: String?

    @Option(help: ArgumentHelp("Write the features of the views, as safetensors.", valueName: "file"))
    var features: String?

    @OptionGroup var precision: PrecisionOptions

    @OptionGroup var machine: MachineOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        for (name, value) in [("--batch", batch), ("--side", side), ("--batches", batches)] {
            if let value, !(1...65_536 ~= value) {
                throw ValidationError("\(name) is \(value); it has to be at least 1.")
            }
        }
        if views != nil, batch != nil || side != nil {
            throw ValidationError("--views has a batch and sides of its own: leave --batch and --side out.")
        }
    }

    func run() throws {
        let device = try machine.prepared()
        let loaded = try weights.map { try TrainedNetwork(path: $0, device: device) }
        let network = loaded?.network ?? drawn(on: device)
        network.featurePrecision = precision.precision
        let normalization = loaded.map {
            ViewNormalization(mean: $0.description.mean, deviation: $0.description.deviation)
        }
        let bytes = try viewBytes(for: network.architecture, size: loaded?.description.viewSize)
        var seconds: [Double] = []
        var found: (summary: Tensor, meanPatch: Tensor)?
        for number in 0...batches {
            let start = ContinuousClock.now
            let features = network.features(of: (normalization ?? .imageNet)(bytes.moved(to: device)))
            found = (features.imageSummary.moved(to: .cpu), features.meanPatch.moved(to: .cpu))
            device.synchronize()
            if number > 0 { seconds.append((ContinuousClock.now - start).seconds) }
        }
        if let path = self.features, let found {
            let items = [("summary", found.summary), ("mean-patch", found.meanPatch)]
            try SafetensorsWriter.write(items.map { .init(name: $0.0, tensor: $0.1) }, metadata: [:], to: path)
        }
        let report = Report(
            network: loaded?.path ?? "vit-\(size.rawValue)", views: bytes.shape,
            precision: precision.precision.rawValue,
            device: "\(device)", threads: Libtorch.threadCount, peakBytes: device.peakBytes, seconds: seconds)
        let files = try ResultFiles(table: report.text, document: report)
        files.print(asJSON: json)
    }

    private func drawn(on device: Device) -> Network {
        let side = (side ?? 224) / 16
        let architecture = Architecture(
            width: size.width, depth: size.depth, heads: size.heads,
            positionGrid: Grid(rows: max(1, side), columns: max(1, side)))
        return Network(architecture, heads: nil, seed: 0, device: device)
    }

    /// `[images, channels, height, width]` on the CPU.
    private func viewBytes(for architecture: Architecture, size: [Int]?) throws -> Tensor {
        let shape: [Int]
        if let views {
            guard let stored = try PyTorchFile(path: views).storedTensors.first(where: { $0.name == "views" }),
                stored.elementType == .u8, stored.shape.count == 4, stored.shape[0] > 0
            else {
                throw UserError("\(views) lacks 'views', bytes [images, channels, height, width].", kind: .usage)
            }
            guard stored.shape[1] == architecture.channels else {
                throw UserError(
                    "\(views) has views of \(stored.shape[1]) channels, the network \(architecture.channels).",
                    kind: .usage)
            }
            shape = stored.shape
            try requireWholePatches(shape, architecture)
            return try stored.load().cast(to: .uint8)
        }
        let sides = side.map { [$0, $0] } ?? size ?? [224, 224]
        shape = [batch ?? 32, architecture.channels] + sides
        try requireWholePatches(shape, architecture)
        return Tensor.uniform(shape, low: 0, high: 256, using: Generator(seed: 0)).cast(to: .uint8)
    }

    private func requireWholePatches(_ shape: [Int], _ architecture: Architecture) throws {
        guard shape.suffix(2).allSatisfy({ $0 >= architecture.patchSize && $0 % architecture.patchSize == 0 }) else {
            throw UserError(
                "Views of \(shape[2]) x \(shape[3]) pixels are no whole patches of \(architecture.patchSize).",
                kind: .usage)
        }
    }

    /// What was measured; medians over the batches.
    private struct Report: Encodable {
        let network: String
        let views: [Int]
        let precision: String
        let device: String
        let threads: Int
        /// Of the process, or of the tensors on a GPU.
        let peakBytes: Int
        let secondsABatch: Double
        let fastest: Double
        let slowest: Double
        let imagesASecond: Double

        init(
            network: String, views: [Int], precision: String, device: String, threads: Int, peakBytes: Int,
            seconds: [Double]
        ) {
            self.network = network
            self.views = views
            self.precision = precision
            self.device = device
            self.threads = threads
            self.peakBytes = peakBytes
            let sorted = seconds.sorted()
            secondsABatch = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            (fastest, slowest) = (sorted[0], sorted[sorted.count - 1])
            imagesASecond = Double(views[0]) / secondsABatch
        }

        var text: String {
            """
            \(network), \(views[0]) views of \(views[2]) x \(views[3]), \(precision), \(device), \(threads) threads
              batch     \(String(format: "%8.3f s  (%.3f to %.3f)", secondsABatch, fastest, slowest))
              \(String(format: "%.1f images/s, peak %.2f GB", imagesASecond, Double(peakBytes) / 1e9))
            """
        }
    }
}
