import Foundation
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

/// What the settings of everything that is trained on a network's features share: which network, on what, and the run.
package protocol HeadSettings: Codable, Sendable {
    /// A run's folder, or a file of weights or a checkpoint.
    var weights: String { get set }
    var network: TrainedNetwork.Part { get set }
    /// Heads of attention, where nothing in or beside the weights tells them; 0: not told.
    var heads: Int { get set }
    /// Whether weights of other programs may lack parameters.
    var allowMissing: Bool { get set }
    var seed: UInt64 { get set }
    var device: String { get set }
    /// Of the CPU; 0: as many as the machine has cores.
    var threads: Int { get set }
    var run: RunSettings { get set }

    init()
    /// Turns relative paths into absolute ones, so that a run can go on from another working folder.
    mutating func makePathsAbsolute()
    /// Refuses what cannot be obeyed.
    func validate() throws
}

extension HeadSettings {
    /// Sets libtorch's threads.
    package func takeThreads() {
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
    }

    /// Reads the network that the settings name.
    package func trainedNetwork(on device: Device) throws -> TrainedNetwork {
        try TrainedNetwork(
            path: weights, part: network, heads: heads > 0 ? heads : nil, allowsMissing: allowMissing, device: device)
    }
}
