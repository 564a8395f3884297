import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Every setting of a pretraining run, as one tree. The defaults are the paper's (ViT-S/16 on ImageNet).
///
/// `selfpatch settings` prints the tree; each setting's meaning stands in ``SettingsDescriptions``.
public struct PretrainSettings: Codable, Equatable, Sendable {
    public var seed: UInt64 = 0
    public var device = "auto"
    public var precision = PrecisionChoice.auto
    public var threads = 0
    public var data = DataSettings()
    public var model = ModelSettings()
    public var heads = HeadSizes()
    public var initial = InitialSettings()
    public var views = MultiCropSettings()
    public var objective = ObjectiveSettings()
    public var optimizer = OptimizerSettings()
    public var teacher = TeacherSettings()
    public var schedule = ScheduleSettings()
    public var evaluation = EvaluationSettings()
    public var run = RunSettings()
    public var health = HealthSettings()

    public init() {}
}

/// The types that products are computed in, or the machine's own best.
public enum PrecisionChoice: String, SettingsChoice {
    /// bf16 on a GPU, float32 on a CPU: few CPUs are fast in bf16.
    case auto
    case float32, bf16

    public func resolved(on device: Device) -> Precision {
        switch self {
        case .auto: device == .cpu || device == .mps ? .float32 : .bf16
        case .float32: .float32
        case .bf16: .bf16
        }
    }
}

/// Where the images come from.
public struct DataSettings: Codable, Equatable, Sendable {
    public var folder = ""
    public var window = Mixing.defaultWindow
    public var workers = 0
    public var allowBroken = 0.01
    public var pixelLimit = 200_000_000

    public init() {}
}

/// The Vision Transformer. Its channels are those of `views.mean`, its position grid is the global view's.
public struct ModelSettings: Codable, Equatable, Sendable {
    public var width = 384
    public var depth = 12
    public var heads = 6
    public var mlpRatio = 4.0
    public var patchSize = 16
    public var dropPath = 0.1
    public var cutsOffRest = false

    public init() {}

    /// Width of the MLPs' hidden layer.
    public var hiddenWidth: Int { Int((mlpRatio * Double(width)).rounded()) }
}

/// What the run begins with: drawn weights, or those of another run or program.
public struct InitialSettings: Codable, Equatable, Sendable {
    public var weights = ""
    public var network = CheckpointPart.teacher
    public var heads = 0
    public var resize = false

    public init() {}
}

extension CheckpointPart: SettingsChoice {}

/// Scores now and then during the run.
public struct EvaluationSettings: Codable, Equatable, Sendable {
    public var every = Span.epochs(0)
    public var train = ""
    public var validation = ""
    public var patches = ""
    public var firstClass = 0
    public var ignored = 255
    public var shortSide = 192

    public init() {}

    /// Whether images are scored, for which both folders are named.
    public var scoresImages: Bool { every.amount > 0 && !train.isEmpty }
    public var scoresPatches: Bool { every.amount > 0 && !patches.isEmpty }
}

/// Diaries, checkpoints and limits.
public struct RunSettings: Codable, Equatable, Sendable {
    public var logEvery = 10
    public var checkpointEvery = Span.epochs(1)
    public var keepNewest = 2
    public var keepEvery = 10
    public var timeLimit = 0.0

    public init() {}
}

extension PretrainSettings {
    /// The network that these settings make.
    public var architecture: Architecture {
        Architecture(
            width: model.width, depth: model.depth, heads: model.heads, hiddenWidth: model.hiddenWidth,
            patchSize: model.patchSize, channels: views.channels, positionGrid: globalGrid)
    }

    /// Patches of a global view.
    public var globalGrid: Grid {
        Grid(height: views.globalSize.height, width: views.globalSize.width, patchSize: model.patchSize)
    }

    /// Patches of a local view.
    public var localGrid: Grid {
        Grid(height: views.localSize.height, width: views.localSize.width, patchSize: model.patchSize)
    }

    /// What shapes the learner.
    public func learner(on device: Device) -> Learner.Settings {
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
    public mutating func makePathsAbsolute() {
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
    public static let changeableSettings: Set<String> = [
        "data.folder", "data.workers", "data.allowBroken", "evaluation.every", "evaluation.train",
        "evaluation.validation", "evaluation.patches", "evaluation.firstClass", "evaluation.ignored",
        "evaluation.shortSide",
        "run.logEvery", "run.checkpointEvery", "run.keepNewest", "run.keepEvery", "run.timeLimit",
    ]
}
