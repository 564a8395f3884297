import ArgumentParser
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTraining

/// A run of something that is trained on a network's features, from its settings to its results.
protocol HeadRun {
    associatedtype Settings: HeadSettings

    /// - Parameters:
    ///   - path: of the run's folder.
    ///   - isNew: whether the folder is to be made; else a run is in it.
    init(_ settings: Settings, folder path: String, isNew: Bool, deadline: ContinuousClock.Instant?) throws
    func finish(asJSON: Bool) throws
}

/// The command line of such a run: how a new one gets its settings, and how an old one goes on.
struct HeadTraining {
    let options: RunOptions
    let use: NetworkOptions
    let weights: String?
    let seed: UInt64?
    let output: String?
    let json: Bool

    /// Does a new run, or goes on with one.
    ///
    /// - Parameters:
    ///   - others: what was said beside all this; a run that goes on takes none of it.
    ///   - start: a new run's settings before those of file, `--set` and single options.
    ///   - change: puts the command's own options over a new run's settings.
    func run<Run: HeadRun>(
        _ type: Run.Type, others: [Any?], from start: () throws -> Run.Settings,
        change: (inout Run.Settings) throws -> Void
    ) throws {
        let began = ContinuousClock.now
        let settings = try options.resume.map { try resumed($0, others) } ?? new(start(), change)
        guard let folder = options.resume ?? output else {
            throw ValidationError("Name the folder for the run with --output, or a run to go on with by --resume.")
        }
        let isNew = options.resume == nil
        if isNew { try RunFolder.checkedForNewRun(at: folder) }
        let run = try Run(
            settings, folder: folder, isNew: isNew, deadline: options.deadline(settings.run, from: began))
        try run.finish(asJSON: json)
    }

    private func new<Settings: HeadSettings>(
        _ start: Settings, _ change: (inout Settings) throws -> Void
    ) throws -> Settings {
        var tree = try SettingsTree(encoding: start)
        try options.overlay(&tree)
        var settings = try tree.decode(Settings.self)
        if let weights { settings.weights = weights }
        if let network = use.network { settings.network = network }
        if let heads = use.heads { settings.heads = heads }
        if use.allowMissing { settings.allowMissing = true }
        use.machine.overlay(&settings)
        if let seed { settings.seed = seed }
        try change(&settings)
        settings.makePathsAbsolute()
        try settings.validate()
        return settings
    }

    private func resumed<Settings: HeadSettings>(_ run: String, _ others: [Any?]) throws -> Settings {
        let shared: [Any?] = [weights, seed, output, options.config, options.assignments.first]
        guard !use.isGiven, (shared + others).allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--resume goes on with a run as it is: beside it only --device, --threads, --time-limit and --json.")
        }
        var tree = try SettingsTree(encoding: Settings())
        try tree.overlay(file: try RunFolder(existing: run).settingsFile)
        var settings = try tree.decode(Settings.self)
        use.machine.overlay(&settings)
        try settings.validate()
        return settings
    }
}

extension Bool {
    /// For lists of what was said: a flag that was not is nil.
    var given: Bool? { self ? true : nil }
}
