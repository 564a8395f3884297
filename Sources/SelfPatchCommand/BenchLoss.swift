import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch bench loss`: one step's losses from given weights on given views, to hold against other programs'.
struct BenchLoss: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loss",
        abstract: "Compute the losses of one step from given weights on given views, to compare with another program.",
        discussion: """
            Student and teacher both have the weights, centres are 0, temperatures 0.1 and 0.04, nothing is dropped. FILE holds \
            the bytes of the views as torch.save writes a dictionary: 'global' [2 * images, 3, height, width] and \
            'local' [views * images, 3, height, width], view after view.

            EXAMPLES
              selfpatch bench loss --weights checkpoint.pth --views views.pth --json
            """)

    @Option(help: "Weights with projection heads.")
    var weights: String

    @Option(help: ArgumentHelp("The views, and so the images.", valueName: "file"))
    var views: String

    @Option(help: "Threads of one operation; 0 is one for each core.")
    var threads = 0

    @Option(help: "float32 or bf16.")
    var precision = Precision.float32

    @Option(help: "auto, cpu, cuda, cuda:N or mps.")
    var device = "auto"

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if precision == .float16 {
            throw ValidationError("--precision is float16, which is for features; steps take bf16.")
        }
    }

    func run() throws {
        let device = try Device.resolve(device)
        if threads > 0 { Libtorch.threadCount = threads }
        let loaded = try LoadedWeights(path: weights, withProjectionHeads: true)
        guard let heads = loaded.description.heads, loaded.network.patchHead != nil else {
            throw UserError("\(weights) has no image and patch heads, so there are no losses.", kind: .usage)
        }
        let batch = try batch()
        var settings = MultiCropSettings()
        settings.localCount = (batch.localViews?.size(0) ?? 0) / batch.images
        (settings.mean, settings.deviation) = (loaded.description.mean, loaded.description.deviation)
        let learner = Learner(
            Learner.Settings(
                architecture: loaded.description.architecture, heads: heads, objective: ObjectiveSettings(),
                localViewCount: settings.localCount, dropPath: 0, precision: precision),
            device: device)
        learner.student.copy(from: loaded.network)
        learner.teacher.copy(from: loaded.network)
        let report = try learner.step([BatchPart(batch, settings, on: device)], .still, number: 0)
        try printed(report)
    }

    private func batch() throws -> ViewBatch {
        let stored = try PyTorchFile(path: views).storedTensors
        func bytes(_ name: String) throws -> Tensor? {
            guard let tensor = stored.first(where: { $0.name == name }) else { return nil }
            guard tensor.elementType == .u8, tensor.shape.count == 4 else {
                throw UserError("\(views): '\(name)' has to be four-dimensional and of bytes.", kind: .usage)
            }
            return try tensor.load().cast(to: .uint8)
        }
        guard let global = try bytes("global"), global.size(0) > 0, global.size(0).isMultiple(of: 2) else {
            throw UserError("\(views) lacks 'global', two views of each image.", kind: .usage)
        }
        let images = global.size(0) / 2
        let local = try bytes("local")
        if let local, !local.size(0).isMultiple(of: images) {
            throw UserError("\(views): \(local.size(0)) local views of \(images) images.", kind: .usage)
        }
        return ViewBatch(names: [], samples: 0..<images, globalViews: global, localViews: local)
    }

    private func printed(_ report: StepReport) throws {
        let values = [
            "loss": report.loss, "imageLoss": report.imageLoss, "patchLoss": report.patchLoss,
            "gradientNorm": report.gradientNorm,
        ]
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(values), as: UTF8.self))
        } else {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) { print("\(name) \(value)") }
        }
    }
}
