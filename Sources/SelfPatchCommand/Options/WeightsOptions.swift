import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors

/// Which network a command uses, and on what.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A run's folder, or a file of weights or a checkpoint.", valueName: "run|file"))
    var weights: String

    @Option(help: "The teacher, the student, or the untrained network as the run drew it.")
    var network = TrainedNetwork.Part.teacher

    @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:1 or mps.", valueName: "device"))
    var device = "auto"

    @Option(help: ArgumentHelp("CPU threads; 0: as many as there are cores.", valueName: "n"))
    var threads = 0

    func validate() throws {
        if threads < 0 { throw ValidationError("--threads is \(threads); it is 0 or the number of threads.") }
    }

    /// Sets the threads and reads the network.
    func load() throws -> TrainedNetwork {
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        return try TrainedNetwork(path: weights, part: network, device: try Device.resolve(device))
    }
}

extension TrainedNetwork.Part: ExpressibleByArgument {}
