import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Every setting of a pretraining run, as one tree. The defaults are the paper's (ViT-S/16 on ImageNet).
///
/// `selfpatch settings` prints the tree; each setting's meaning stands in ``SettingsDescriptions``.
package struct PretrainSettings: Codable, Equatable, Sendable {
    package var seed: UInt64 = 0
    package var device = "auto"
    package var precision = PrecisionChoice.auto
    package var threads = 0
    package var data = DataSettings()
    package var model = ModelSettings()
    package var heads = HeadSizes()
    package var initial = InitialSettings()
    package var views = MultiCropSettings()
    package var objective = ObjectiveSettings()
    package var optimizer = OptimizerSettings()
    package var teacher = TeacherSettings()
    package var schedule = ScheduleSettings()
    package var evaluation = EvaluationSettings()
    package var run = RunSettings()
    package var health = HealthSettings()

    package init() {}
}

/// The types that products are computed in, or the machine's own best.
package enum PrecisionChoice: String, SettingsChoice {
    /// bf16 on a GPU, float32 on a CPU: few CPUs are fast in bf16.
    case auto
    case float32, bf16

    package func resolved(on device: Device) -> Precision {
        switch self {
        case .auto: device == .cpu || device == .mps ? .float32 : .bf16
        case .float32: .float32
        case .bf16: .bf16
        }
    }
}

/// Where the images come from.
package struct DataSettings: Codable, Equatable, Sendable {
    package var folder = ""
    package var window = Mixing.defaultWindow
    package var workers = 0
    package var allowBroken = 0.01
    package var pixelLimit = 200_000_000

    package init() {}
}

/// The Vision Transformer. Its channels are those of `views.mean`, its position grid is the global view's.
package struct ModelSettings: Codable, Equatable, Sendable {
    package var width = 384
    package var depth = 12
    package var heads = 6
    package var mlpRatio = 4.0
    package var patchSize = 16
    package var dropPath = 0.1
    package var cutsOffRest = false

    package init() {}

    /// Width of the MLPs' hidden layer.
    package var hiddenWidth: Int { Int((mlpRatio * Double(width)).rounded()) }
}

/// What the run begins with: drawn weights, or those of another run or program.
package struct InitialSettings: Codable, Equatable, Sendable {
    package var weights = ""
    package var network = CheckpointPart.teacher
    package var heads = 0
    package var resize = false

    package init() {}
}

extension CheckpointPart: SettingsChoice {}

/// Scores now and then during the run.
package struct EvaluationSettings: Codable, Equatable, Sendable {
    package var every = Span.epochs(0)
    package var train = ""
    package var validation = ""
    package var patches = ""
    package var firstClass = 0
    package var ignored = 255
    package var shortSide = 192

    package init() {}

    /// Whether images are scored, for which both folders are named.
    package var scoresImages: Bool { every.amount > 0 && !train.isEmpty }
    package var scoresPatches: Bool { every.amount > 0 && !patches.isEmpty }
}

/// Diaries, checkpoints and limits.
package struct RunSettings: Codable, Equatable, Sendable {
    package var logEvery = 10
    package var checkpointEvery = Span.epochs(1)
    package var keepNewest = 2
    package var keepEvery = 10
    package var timeLimit = 0.0

    package init() {}
}

extension PretrainSettings {
    /// The network that these settings make.
    package var architecture: Architecture {
        Architecture(
            width: model.width, depth: model.depth, heads: model.heads, hiddenWidth: model.hiddenWidth,
            patchSize: model.patchSize, channels: views.channels, positionGrid: globalGrid)
    }

    /// Patches of a global view.
    package var globalGrid: Grid {
        Grid(height: views.globalSize.height, width: views.globalSize.width, patchSize: model.patchSize)
    }

    /// Patches of a local view.
    package var localGrid: Grid {
        Grid(height: views.localSize.height, width: views.localSize.width, patchSize: model.patchSize)
    }

    /// What shapes the learner.
    package func learner(on device: Device) -> Learner.Settings {
        var learner = Learner.Settings(
            architecture: architecture, heads: heads, objective: objective, localViewCount: views.localCount,
            dropPath: model.dropPath, clip: optimizer.clip, viewsInTurn: schedule.viewsInTurn,
            checkpointsActivations: schedule.checkpointActivations,
            precision: precision.resolved(on: device), seed: seed)
        learner.beta1 = optimizer.beta1
        learner.beta2 = optimizer.beta2
        learner.epsilon = optimizer.epsilon
        return learner
    }

    /// Turns relative folders into absolute ones, so that a run can go on from another working folder.
    package mutating func makePathsAbsolute() {
        func absolute(_ path: inout String) {
            if !path.isEmpty { path = URL(fileURLWithPath: path).standardizedFileURL.path }
        }
        absolute(&data.folder)
        absolute(&initial.weights)
        absolute(&evaluation.train)
        absolute(&evaluation.validation)
        absolute(&evaluation.patches)
    }

    /// Settings that may differ when a run is resumed, for none of them can alter the numbers.
    package static let changeableSettings: Set<String> = [
        "data.folder", "data.workers", "data.allowBroken", "evaluation.every", "evaluation.train",
        "evaluation.validation", "evaluation.patches", "evaluation.firstClass", "evaluation.ignored",
        "evaluation.shortSide",
        "run.logEvery", "run.checkpointEvery", "run.keepNewest", "run.keepEvery", "run.timeLimit",
    ]
}
