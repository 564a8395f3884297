import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchTraining

/// What every command that trains is told: settings, which run to go on with, and for how long.
struct RunOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A YAML file with settings that differ from the defaults or the preset.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting of those in a run's settings.yaml, for example optimizer.learningRate=0.001. May be given often.",
            valueName: "key=value"))
    var assignments: [String] = []

    @Option(help: ArgumentHelp("Go on with the run in this folder.", valueName: "run"))
    var resume: String?

    @Option(help: ArgumentHelp("Save and stop within this time: 90s, 45m, 8h, 2d.", valueName: "time"))
    var timeLimit: TimeLimit?

    /// Puts the file's settings, then single ones, over those that are there.
    func overlay(_ tree: inout SettingsTree) throws {
        if let config { try tree.overlay(file: config) }
        for assignment in assignments { try tree.set(assignment) }
    }

    /// When to save and stop; nil: never.
    ///
    /// - Parameter settings: the run's, which may have a limit of their own.
    func deadline(_ settings: RunSettings, from start: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let limit = timeLimit?.duration ?? (settings.timeLimit > 0 ? .seconds(settings.timeLimit * 60) : nil)
        return limit.map { start + $0 }
    }
}

/// A stretch of time as it is written on a command line: 90s, 45m, 8h, 2d.
struct TimeLimit: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = argument.last, let unit = units[last], let number = Double(argument.dropLast()),
            number.isFinite,
            number > 0, number * unit < 1e9
        else { return nil }
        duration = .seconds(number * unit)
    }
}
