import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

struct Pretrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pretrain a Vision Transformer on a folder of images, or go on with a run.",
        discussion: """
            Any folder tree of images will do; no labels are needed. The run's folder gets settings, log, metrics, \
            checkpoints and, at the end, weights.safetensors: the teacher.

            Ctrl-C and SIGTERM finish the step, save, and leave with exit code 130 or 143; a second Ctrl-C leaves at once \
            and harms nothing. --resume goes on at the exact step: on the same processor with the same number of threads \
            the numbers are those of a run that never stopped.

            With --initialise-from a run begins with weights of this program or another: what has no place in the network (class \
            token, final norm) is left out, what is missing (aggregation module, heads) is freshly made, and both are said; \
            sizes have to be the settings', and `--set initial.resize=true` resizes position table and patch embedding.

            Settings come from the preset, then the file of --config, then --set and the other options; `selfpatch settings` \
            explains them all.

            EXAMPLES
              selfpatch pretrain --data photos --output runs/photos
              selfpatch pretrain --data photos --output runs/dino --preset nano-photos-dino --seed 1
              selfpatch pretrain --data photos --output runs/a --set schedule.length='20 epochs' --set objective.window=5
              selfpatch pretrain --data photos --output runs/b --preset vit-small-1gpu --initialise-from dino_deitsmall16_pretrain.pth
              selfpatch pretrain --resume runs/photos --time-limit 8h
            """)

    @Option(help: ArgumentHelp("The folder with the images.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The folder for the new run.", valueName: "run"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Settings to start from (default: one that suits the device); see `selfpatch settings`.", valueName: "name")
    )
    var preset: String?

    @Option(
        name: .customLong("initialise-from"),
        help: ArgumentHelp(
            "Begin with these weights: a run, a file or a folder, of this program or another (see `selfpatch import`).",
            valueName: "run|file|dir"))
    var initialWeights: String?

    @OptionGroup var options: RunOptions

    @OptionGroup var machine: MachineOptions

    @Option(help: ArgumentHelp("auto, float32 or bf16.", valueName: "type"))
    var precision: String?

    @Option(
        help: ArgumentHelp(
            "Images a step; auto: the settings' number, in as few parts as fit into memory.", valueName: "n|auto"))
    var batch: String?

    @Option(help: ArgumentHelp("What everything random comes from.", valueName: "n"))
    var seed: String?

    @Flag(help: "Print one JSON document at the end, and everything else on standard error.")
    var json = false

    func run() throws {
        let start = ContinuousClock.now
        let plan = try options.resume.map(planToResume) ?? planNewRun()
        let run = try PretrainRun(plan, deadline: options.deadline(plan.settings.run, from: start))
        try run.finish(asJSON: json)
    }

    /// The options that stand for a setting each.
    private func overlay(_ tree: inout SettingsTree) throws {
        try options.overlay(&tree)
        for (option, path, value) in [
            ("--device", "device", machine.device), ("--precision", "precision", precision), ("--seed", "seed", seed),
            ("--threads", "threads", machine.threads.map(String.init)),
            ("--batch", "schedule.batchSize", batch == "auto" ? nil : batch),
            ("--data", "data.folder", data), ("--initialise-from", "initial.weights", initialWeights),
        ] {
            guard let value else { continue }
            try tree.set(path, to: value, source: "\(option) \(value)")
        }
    }

    private func planNewRun() throws -> PretrainPlan {
        guard let output else {
            throw ValidationError("Name the folder for the run with --output, or a run to go on with by --resume.")
        }
        // The device decides which preset suits, and settings may name the device.
        var tree = try SettingsTree(encoding: try preset.map(Preset.named)?.settings ?? PretrainSettings())
        try overlay(&tree)
        var settings = try tree.decode(PretrainSettings.self)
        let device = try Device.resolve(settings.device)
        let chosen = try preset.map(Preset.named) ?? Preset.suited(to: device)
        if preset == nil {
            tree = try SettingsTree(encoding: chosen.settings)
            try overlay(&tree)
            settings = try tree.decode(PretrainSettings.self)
        }
        settings.makePathsAbsolute()
        guard !settings.data.folder.isEmpty else {
            throw ValidationError("Name the folder with the images with --data.")
        }
        try settings.validate()
        try RunFolder.checkedForNewRun(at: output)
        return PretrainPlan(
            settings: settings, device: device, run: output, isNew: true, preset: chosen, sizesBatch: batch == "auto")
    }

    private func planToResume(_ path: String) throws -> PretrainPlan {
        guard output == nil, preset == nil, initialWeights == nil else {
            throw ValidationError(
                "--resume goes on with a run as it is; --output, --preset and --initialise-from begin a new one.")
        }
        guard batch != "auto" else {
            throw ValidationError("--batch auto is for a new run; a run goes on with the batch that it began with.")
        }
        let folder = try RunFolder(existing: path)
        var tree = try SettingsTree(encoding: PretrainSettings())
        try tree.overlay(file: folder.settingsFile)
        let before = tree
        try overlay(&tree)
        let changes = before.differences(to: tree)
        let refused = changes.filter { !PretrainSettings.changeableSettings.contains($0.path) }
        guard refused.isEmpty else {
            throw UserError(
                "Cannot go on with \(path) with other settings, for they would change its numbers:\n"
                    + refused.map { "  \($0.path): \($0.before) in the run, \($0.after) now" }.joined(separator: "\n")
                    + "\nLeave them out, or begin a new run. These may change: "
                    + PretrainSettings.changeableSettings.sorted().joined(separator: ", ") + ".", kind: .usage)
        }
        var settings = try tree.decode(PretrainSettings.self)
        settings.makePathsAbsolute()
        try settings.validate()
        return PretrainPlan(
            settings: settings, device: try Device.resolve(settings.device), run: path, isNew: false, preset: nil,
            sizesBatch: false, isChanged: !changes.isEmpty)
    }
}

/// What a command line asks for, checked as far as that goes without data.
struct PretrainPlan {
    var settings: PretrainSettings
    let device: Device
    /// The run's folder.
    let run: String
    let isNew: Bool
    /// Nil for a resumed run.
    let preset: Preset?
    /// Whether the batch is to be what fits into memory.
    let sizesBatch: Bool
    /// Whether a resumed run's settings differ from those in its folder, in something harmless.
    var isChanged = false

    func with(_ settings: PretrainSettings) -> PretrainPlan {
        var plan = self
        plan.settings = settings
        return plan
    }
}
