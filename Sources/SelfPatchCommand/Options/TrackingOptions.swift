import ArgumentParser
import SelfPatchEvaluation
import SelfPatchFormats

/// The numbers of tracking; the defaults are those of the authors' script.
struct TrackingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Resize the shorter side of frames to this.", valueName: "pixels"))
    var side = 480

    @Option(help: ArgumentHelp("Round the other side down to a multiple of this.", valueName: "pixels"))
    var multiple = 64

    @Option(help: ArgumentHelp("Frames right before that vote beside the first.", valueName: "n"))
    var previous = 7

    @Option(help: ArgumentHelp("Rows and columns within which patches vote; 0: the whole frame.", valueName: "patches"))
    var window = 12

    @Option(help: ArgumentHelp("Patches that vote; those that equal the last do too.", valueName: "k"))
    var top = 5

    @Option(help: "Divides the cosines before they are exponentiated.")
    var temperature = 0.1

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Subtracted from pixels in 0...1, a number a channel (default: the weights').", valueName: "x"))
    var mean: [Double] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Divides them (default: 0.228 0.224 0.225, the script's, for ImageNet's weights, else the weights').",
            valueName: "x"))
    var deviation: [Double] = []

    func validate() throws {
        for (name, value) in [("--side", side), ("--multiple", multiple), ("--top", top)] where value < 1 {
            throw ValidationError("\(name) is \(value); it has to be at least 1.")
        }
        for (name, value) in [("--previous", previous), ("--window", window)] where value < 0 {
            throw ValidationError("\(name) is \(value); it has to be at least 0.")
        }
        for (name, value, most) in [
            ("--side", side, 16_384), ("--multiple", multiple, 16_384), ("--previous", previous, 1000),
        ]
        where value > most {
            throw ValidationError("\(name) is \(value); it has to be at most \(most).")
        }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError("--temperature is \(temperature); it has to be above 0.")
        }
        if deviation.contains(where: { !($0 > 0 && $0.isFinite) }) || mean.contains(where: { !$0.isFinite }) {
            throw ValidationError("--mean takes finite numbers, --deviation numbers above 0.")
        }
    }

    func settings(for trained: TrainedNetwork) throws -> VideoTracker.Settings {
        var settings = VideoTracker.Settings(for: trained.description)
        settings.shorterSide = side
        settings.sideMultiple = multiple
        settings.propagation.previousFrames = previous
        settings.propagation.windowRadius = window
        settings.propagation.topCount = top
        settings.propagation.temperature = temperature
        if !mean.isEmpty { settings.mean = mean }
        if !deviation.isEmpty { settings.deviation = deviation }
        let channels = trained.description.architecture.channels
        for (name, values) in [("--mean", settings.mean), ("--deviation", settings.deviation)]
        where values.count != channels {
            throw UserError("\(name) has \(values.count) numbers, the network \(channels) channels.", kind: .usage)
        }
        return settings
    }
}
