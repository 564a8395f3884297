import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import TestSupport

/// A folder of expected numbers of training steps: every size, setting and tolerance is read from its `case.json`.
struct StepCase: Decodable {
    struct Model: Decodable {
        let width, heads, depth, mlp_ratio, patch_size, channels: Int
        let position_grid: [Int]
        let norm_epsilon, drop_path: Double
    }
    struct Heads: Decodable {
        let image_out, patch_out, hidden, bottleneck: Int
        let learned_gain: Bool
    }
    struct ViewSizes: Decodable {
        let global_count, local_count: Int
        let global_grid, local_grid: [Int]
        let mean, deviation: [Double]
    }
    struct ObjectiveNumbers: Decodable {
        let k, window: Int
        let border: String
        let student_temperature, patch_weight, centre_momentum: Double
    }
    struct Optimizer: Decodable {
        let clip, beta1, beta2, epsilon: Double
        let freeze_last_layer_epochs: Int
    }
    struct Parameter: Decodable {
        let name: String
        let shape: [Int]
        let trained, decays, last_layer: Bool
    }
    struct Files: Decodable {
        let views, start, forward, gradients, after_first, after_last, steady: String
    }
    struct Relative: Decodable { let relative: Double }
    struct WeightBound: Decodable { let steady, loose: Double }
    struct Tolerances: Decodable {
        struct Loss: Decodable { let first, later: Double }
        struct Gradient: Decodable { let relative, floor: Double }
        struct Norm: Decodable { let first, later, floor: Double }
        struct Absolute: Decodable { let absolute: Double }
        let forward, centre: Relative
        let loss: Loss
        let gradient: Gradient
        let gradient_norm: Norm
        let adamw_alone: Absolute
        let gap: Double
        let weights_after: [String: WeightBound]
    }
    struct OptimizerState: Decodable {
        let step: Int
        let first_moment_norm, second_moment_sum: Double
    }
    struct Step: Decodable {
        let step, epoch, iteration: Int
        let samples: [Int]
        let learning_rate, weight_decay, teacher_momentum, teacher_temperature: Double
        let loss, image_loss, patch_loss, gradient_norm: Double
        let image_centre_norm, patch_centre_norm: Double
        let gradient_norms: [String: Double]
        let clipped_gradient_norms: [String: Double?]
        let student_norm, teacher_norm: Double
        /// Of the last step only.
        let optimizer: [String: OptimizerState]?
    }

    let model: Model
    let heads: Heads
    let views: ViewSizes
    let objective: ObjectiveNumbers
    let optimizer: Optimizer
    let parameters: [Parameter]
    let files: Files
    let tolerances: Tolerances
    let steps: [Step]

    var learnerSettings: Learner.Settings {
        var objective = ObjectiveSettings()
        objective.patchWeight = self.objective.patch_weight
        objective.positiveCount = self.objective.k
        objective.window = self.objective.window
        objective.border = Border(rawValue: self.objective.border) ?? .wrap
        objective.studentTemperature = self.objective.student_temperature
        objective.centerMomentum = self.objective.centre_momentum
        return Learner.Settings(
            architecture: Architecture(
                width: model.width, depth: model.depth, heads: model.heads, hiddenWidth: model.mlp_ratio * model.width,
                patchSize: model.patch_size, channels: model.channels,
                positionGrid: Grid(rows: model.position_grid[0], columns: model.position_grid[1]),
                normEpsilon: model.norm_epsilon),
            heads: HeadSizes(
                imagePrototypes: heads.image_out, patchPrototypes: heads.patch_out, hiddenWidth: heads.hidden,
                bottleneck: heads.bottleneck, learnedGain: heads.learned_gain),
            objective: objective, localViewCount: views.local_count, dropPath: model.drop_path, clip: optimizer.clip)
    }

    func rates(_ step: Step) -> Rates {
        Rates(
            learningRate: step.learning_rate, weightDecay: step.weight_decay, teacherMomentum: step.teacher_momentum,
            imageTemperature: step.teacher_temperature, patchTemperature: step.teacher_temperature,
            lastLayerIsFrozen: step.epoch < optimizer.freeze_last_layer_epochs)
    }
}

/// A case with its tensors.
struct StepGolden {
    let numbers: StepCase
    private let folder: Goldens.Folder

    init(_ folder: Goldens.Folder) throws {
        self.folder = folder
        numbers = try folder.decode(StepCase.self, from: "case.json")
    }

    func tensors(_ file: String) throws -> [String: Tensor] { try SafetensorsFile(path: folder.file(file)).tensors() }

    /// A learner in the case's starting state.
    func learner(_ variant: StepVariant = .plain) throws -> Learner {
        var settings = numbers.learnerSettings
        settings.viewsInTurn = variant.viewsInTurn
        settings.checkpointsActivations = variant.checkpointsActivations
        let learner = Learner(settings, device: .cpu)
        let start = try tensors(numbers.files.start)
        for (network, name) in [(learner.student, "student"), (learner.teacher, "teacher")] {
            for parameter in network.parameters {
                parameter.tensor.copy(from: try found(start, "\(name).\(parameter.name)"))
            }
        }
        let image = try found(start, "centre.image"), patch = try found(start, "centre.patch")
        learner.objective.restoreCenters(image: image.reshaped(to: [-1]), patch: patch.reshaped(to: [-1]))
        return learner
    }

    /// A step's batch, in parts of the given number of images.
    func parts(_ step: StepCase.Step, imagesPerPart: Int? = nil) throws -> [BatchPart] {
        let views = try tensors(numbers.files.views)
        let normalize = ViewNormalization(mean: numbers.views.mean, deviation: numbers.views.deviation)
        func group(_ name: String, _ samples: [Int], _ range: Range<Int>, firstView: Int) throws -> Views {
            // [samples, views, ...] to view-major rows
            let chosen = try found(views, name).rows(Tensor(samples, shape: [samples.count])).transposed(0, 1)
            let pixels = chosen.reshaped(to: [-1] + Array(chosen.shape.dropFirst(2)))
            return Views(
                pixels: normalize(pixels), numbers: firstView..<firstView + chosen.size(0), samples: range)
        }
        let size = imagesPerPart ?? step.samples.count
        return try stride(from: 0, to: step.samples.count, by: size).map { start in
            let range = start..<min(start + size, step.samples.count)
            let samples = Array(step.samples[range])
            var groups = [try group("global", samples, range, firstView: 0)]
            if numbers.views.local_count > 0 { groups.append(try group("local", samples, range, firstView: 2)) }
            return BatchPart(groups)
        }
    }
}

struct MissingTensor: Error {
    let name: String
}

func found(_ tensors: [String: Tensor], _ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw MissingTensor(name: name) }
    return tensor
}

/// The largest |x - y|.
func largestDifference(_ x: Tensor, _ y: Tensor) -> Double {
    precondition(x.shape == y.shape, "\(x.shape) against \(y.shape)")
    return (x.detached().cast(to: .float64) - y.cast(to: .float64)).magnitude().max().item()
}

func largest(_ x: Tensor) -> Double { x.cast(to: .float64).magnitude().max().item() }
