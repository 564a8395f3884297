import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors

/// Student, teacher, objective and optimiser: all that changes in a run.
package final class Learner {
    package let settings: Settings
    package let student: Network
    package let teacher: Network
    package let optimizer: AdamW
    package var objective: Objective

    /// What shapes the learner, gathered from a run's settings.
    package struct Settings: Sendable {
        package var architecture: Architecture
        package var heads: HeadSizes
        package var objective: ObjectiveSettings
        /// Views of an image beside the two global ones.
        package var localViewCount: Int
        /// Drop path's rate in the student's last block.
        package var dropPath: Double
        /// Longest gradient of a parameter tensor; 0 for any.
        package var clip: Double
        /// AdamW's constants.
        package var beta1 = 0.9
        package var beta2 = 0.999
        package var epsilon = 1e-8
        /// Every view forward and backward by itself, for less memory and the same step.
        package var viewsInTurn: Bool
        /// The student's blocks are computed again for the backward, for less memory and the same step.
        package var checkpointsActivations: Bool
        package var precision: Precision
        package var seed: UInt64

        package init(
            architecture: Architecture, heads: HeadSizes, objective: ObjectiveSettings, localViewCount: Int,
            dropPath: Double = 0.1, clip: Double = 3, viewsInTurn: Bool = false,
            checkpointsActivations: Bool = false, precision: Precision = .float32, seed: UInt64 = 0
        ) {
            self.architecture = architecture
            self.heads = heads
            self.objective = objective
            self.localViewCount = localViewCount
            self.dropPath = dropPath
            self.clip = clip
            self.viewsInTurn = viewsInTurn
            self.checkpointsActivations = checkpointsActivations
            self.precision = precision
            self.seed = seed
        }
    }

    package init(_ settings: Settings, device: Device) {
        self.settings = settings
        func network() -> Network {
            Network(
                settings.architecture, heads: settings.heads, patchHead: settings.objective.hasPatchLoss,
                seed: settings.seed, device: device)
        }
        student = network()
        teacher = network()
        teacher.copy(from: student)
        optimizer = AdamW(
            ParameterGroups(student), beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon)
        for parameter in optimizer.groups.trained { parameter.tensor.requiresGradient = true }
        objective = Objective(
            settings.objective, heads: settings.heads, localViewCount: settings.localViewCount, device: device)
    }

    /// Everything that a checkpoint must hold beside `optimizer.counters`, by name. Restoring copies into these tensors, but for the
    /// centres: see ``Objective/restoreCenters(image:patch:)``.
    package var state: [NamedTensor] {
        student.parameters(named: "student") + teacher.parameters(named: "teacher")
            + [NamedTensor("center.image", objective.imageCenter.value)]
            + (objective.patchCenter.map { [NamedTensor("center.patch", $0.value)] } ?? []) + optimizer.state
    }
}

extension Network {
    func parameters(named owner: String) -> [NamedTensor] {
        parameters.map { NamedTensor("\(owner).\($0.name)", $0.tensor) }
    }
}
