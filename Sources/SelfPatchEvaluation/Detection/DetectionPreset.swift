import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Named settings for a detector and a kind of machine.
package struct DetectionPreset: Sendable {
    package let name: String
    /// What it is, in one line.
    package let summary: String
    private let change: @Sendable (inout DetectionSettings) -> Void

    /// The defaults with this preset's differences.
    package var settings: DetectionSettings {
        var settings = DetectionSettings()
        change(&settings)
        return settings
    }

    package static let all = [
        DetectionPreset(
            name: "coco-mask-rcnn-1x",
            summary: "Mask R-CNN for COCO as the authors train it: 12 epochs of batches of 8 pictures; for GPUs."
        ) { _ in },
        DetectionPreset(
            name: "small-mask-rcnn",
            summary: "Mask R-CNN for some dozens of pictures with a CPU: 300 steps of 4 pictures of 224 to 320 pixels."
        ) {
            $0.model.channels = 96
            $0.model.hiddenWidth = 256
            $0.model.trainingProposals = ProposalSelection(before: 300, after: 200)
            $0.model.proposals = ProposalSelection(before: 300, after: 200)
            $0.model.regions = 64
            $0.views.shortSides = [224, 256, 288, 320]
            $0.views.longSide = 448
            $0.views.useShortSide = 288
            $0.views.crop = 0
            $0.views.cropShortSides = [320]
            $0.optimizer.learningRate = 2e-4
            $0.optimizer.warmupSteps = 30
            $0.optimizer.dropAfter = [.percent(80)]
            $0.optimizer.layerDecay = 0.75
            $0.length = .steps(300)
            $0.batchSize = 4
            $0.scoreEvery = .steps(0)
            $0.run.checkpointEvery = .steps(50)
        },
    ]

    /// - Throws: `UserError` that lists the presets, with the nearest name.
    package static func named(_ name: String) throws -> DetectionPreset {
        if let preset = all.first(where: { $0.name == name }) { return preset }
        let names = all.map(\.name)
        let nearest = NearestName.of(name, among: names).map { " Did you mean '\($0)'?" } ?? ""
        throw UserError(
            "Unknown preset '\(name)'.\(nearest) There are: \(names.joined(separator: ", ")).", kind: .usage)
    }

    /// The preset where none was asked for.
    package static func suited(to device: Device) -> DetectionPreset {
        device == .cpu || device == .mps ? all[1] : all[0]
    }
}
