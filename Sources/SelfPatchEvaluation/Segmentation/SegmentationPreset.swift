import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Named settings for a head and a kind of machine.
package struct SegmentationPreset: Sendable {
    package let name: String
    /// What it is, in one line.
    package let summary: String
    private let change: @Sendable (inout SegmentationSettings) -> Void

    /// The defaults with this preset's differences.
    package var settings: SegmentationSettings {
        var settings = SegmentationSettings()
        change(&settings)
        return settings
    }

    package static let all =
        DenseHeadKind.allCases.map(ade20k) + DenseHeadKind.allCases.map(small)

    /// - Throws: `UserError` that lists the presets, with the nearest name.
    package static func named(_ name: String) throws -> SegmentationPreset {
        if let preset = all.first(where: { $0.name == name }) { return preset }
        let names = all.map(\.name)
        let nearest = NearestName.of(name, among: names).map { " Did you mean '\($0)'?" } ?? ""
        throw UserError(
            "Unknown preset '\(name)'.\(nearest) There are: \(names.joined(separator: ", ")).", kind: .usage)
    }

    /// The preset for a head where none was asked for.
    package static func suited(to device: Device, _ head: DenseHeadKind) -> SegmentationPreset {
        device == .cpu || device == .mps ? small(head) : ade20k(head)
    }

    /// The authors' recipe (Semantic FPN) and XCiT's (UPerNet) on ADE20K, made for GPUs.
    private static func ade20k(_ head: DenseHeadKind) -> SegmentationPreset {
        let words =
            switch head {
            case .linear: "a linear head on frozen patches: 40,000 steps of 16 crops of 512 pixels"
            case .semanticFPN: "Semantic FPN, backbone trained along: 40,000 steps of 16 crops of 512 pixels"
            case .uperNet: "UPerNet, backbone trained along: 160,000 steps of 16 crops, sliding windows of 512 pixels"
            }
        return SegmentationPreset(name: "ade20k-\(head.rawValue)", summary: "ADE20K's 150 classes, \(words).") {
            $0.model.head = head
            $0.model.isFrozen = head == .linear
            $0.data.firstClass = LabelNumbering.ade20k.firstClass
            $0.data.ignored = LabelNumbering.ade20k.ignored
            $0.data.classes = 150
            switch head {
            case .linear: $0.optimizer.learningRate = 1e-3
            case .semanticFPN: break
            case .uperNet:
                $0.length = .steps(160_000)
                $0.scoreEvery = .steps(16_000)
                $0.inference.mode = .slide
            }
        }
    }

    /// For small images, some hundred of them, and minutes of a CPU.
    private static func small(_ head: DenseHeadKind) -> SegmentationPreset {
        SegmentationPreset(
            name: "small-\(head.rawValue)",
            summary:
                "\(head.rawValue) on a small data set with a CPU: 400 steps of 8 crops of 128 x 160 pixels, frozen backbone."
        ) {
            $0.model.head = head
            $0.model.isFrozen = true
            $0.model.pyramidChannels = 64
            $0.model.channels = 64
            $0.model.auxiliaryChannels = 64
            $0.views.crop = ViewSize(height: 128, width: 160)
            $0.views.shortSide = 192
            $0.views.longSide = 768
            $0.views.scale = 0.75...1.5
            $0.optimizer.learningRate = head == .linear ? 2e-2 : 2e-3
            $0.optimizer.warmupSteps = 20
            $0.length = .steps(400)
            $0.batchSize = 8
            $0.scoreEvery = .steps(0)
            $0.inference.window = 160
            $0.inference.stride = 107
            $0.run.checkpointEvery = .steps(100)
        }
    }
}
