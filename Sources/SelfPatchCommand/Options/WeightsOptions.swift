import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors

/// Which network a command uses, and on what.
struct WeightsOptions: ParsableArguments {
    @Option(help: NetworkOptions.weightsHelp)
    var weights: String

    @OptionGroup var use: NetworkOptions

    /// Sets the threads and reads the network.
    func load() throws -> TrainedNetwork { try use.load(weights) }
}

/// The same without the weights' path, for commands that can do something without a network.
struct NetworkOptions: ParsableArguments {
    static let weightsHelp = ArgumentHelp(
        "A run's folder; or weights, a checkpoint or a model's folder of this program, SelfPatch's authors, DINO, timm or Hugging Face.",
        valueName: "run|file|dir")

    @Option(help: "The teacher, the student, or the untrained network as the run drew it (default: teacher).")
    var network: TrainedNetwork.Part?

    @Option(
        help: ArgumentHelp("Heads of attention, where nothing in or beside the weights tells them.", valueName: "n"))
    var heads: Int?

    @Flag(help: "Take weights of other programs that lack some parameters.")
    var allowMissing = false

    @OptionGroup var machine: MachineOptions

    /// Whether anything was said but what to compute on.
    var isGiven: Bool { network != nil || heads != nil || allowMissing }

    func validate() throws {
        if let heads, heads < 1 { throw ValidationError("--heads is \(heads); it has to be at least 1.") }
    }

    /// Sets the threads and reads the network.
    func load(_ weights: String) throws -> TrainedNetwork {
        let device = try machine.prepared()
        let trained = try TrainedNetwork(
            path: weights, part: network ?? .teacher, heads: heads, allowsMissing: allowMissing, device: device)
        for note in trained.notes { warn(note) }
        return trained
    }
}

extension TrainedNetwork.Part: ExpressibleByArgument {}
