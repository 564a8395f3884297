import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A demo from pretraining to picture: the same steps that `pretrain` and `knn` take, one after the other.
struct DemoRun {
    let options: Demo
    let folder: DemoFolder
    /// The folder with the images to train on.
    let images: String
    /// Nil for a user's own images.
    let scenes: DemoScenes?

    func run() throws {
        let device = Device.cpu
        var settings = try Preset.named(scenes == nil ? "nano-photos" : "nano-scenes").settings
        settings.data.folder = URL(fileURLWithPath: images).standardizedFileURL.path
        settings.seed = options.seed
        settings.threads = options.threads
        settings.device = "cpu"
        settings.schedule.length = .steps(try stepCount(settings, on: device))
        settings.run.checkpointEvery = .steps(0)
        settings.run.logEvery = 50
        try settings.validate()

        try scenes?.sheet().picture().write(to: folder.scenesPicture)
        let exam = try scenes?.exam()
        let clock = ContinuousClock()
        let training = try clock.measure { try pretrain(settings, on: device) }
        let before = try TrainedNetwork(path: folder.runFolder, part: .untrained, device: device)
        let after = try TrainedNetwork(path: folder.runFolder, part: .teacher, device: device)
        var scores = DemoScores(
            seed: options.seed, steps: after.description.steps, seconds: (training / .seconds(1)).rounded())
        if let exam {
            let student = try TrainedNetwork(path: folder.runFolder, part: .student, device: device)
            for network in [before, after, student] {
                scores.networks.append(.init(network.part, try self.scores(of: network, exam)))
            }
        }
        try draw(before: before, after: after)
        if options.json { print(try scores.json()) } else { options.say(scores.table) }
        try AtomicFile.write(Data(try scores.json().utf8), to: folder.scoresFile)
        options.say("The picture: \(folder.featuresPicture)")
        options.say("The run, its settings and weights: \(folder.runFolder)")
    }

    /// How many steps fit into the minutes that were asked for.
    private func stepCount(_ settings: PretrainSettings, on device: Device) throws -> Int {
        if let steps = options.steps { return steps }
        var trial = settings
        trial.schedule.batchSize = min(trial.schedule.batchSize, 32)
        // Views are made beside the steps; what that costs was measured as about a tenth.
        let seconds = try StepTiming.seconds(trial, on: device) * 1.15
        let fitting = Int(options.minutes * 60 / seconds)
        let most = settings.schedule.length.steps(stepsPerEpoch: 1, runLength: 0)
        let steps = min(max(fitting, 20), Int(Double(most) * max(1, options.minutes / 4.5)))
        options.say(
            String(format: "A step takes about %.2f seconds here: training %d steps.", seconds, steps))
        return steps
    }

    private func pretrain(_ settings: PretrainSettings, on device: Device) throws {
        // A busy machine may take longer than the trial promised; then the run ends early, saved.
        let limit = options.steps == nil ? Duration.seconds(options.minutes * 60 * 1.3) : nil
        let plan = PretrainPlan(
            settings: settings, device: device, run: folder.runFolder, isNew: true, preset: nil, sizesBatch: false)
        try PretrainRun(plan, deadline: limit.map { ContinuousClock.now + $0 }).finish(asJSON: false)
    }

    private func scores(of network: TrainedNetwork, _ exam: SceneExam) throws -> SceneExam.Scores {
        var line = ProgressLine(title: "Scoring the \(network.part.rawValue)", total: exam.imageCount)
        defer { line.clear() }
        return try exam.scores(of: network.extractor()) { done in line.advance(to: done) }
    }

    private func draw(before: TrainedNetwork, after: TrainedNetwork) throws {
        let patchSize = after.description.architecture.patchSize
        let subjects: [FeatureSheet.Subject]
        let side: Int
        if let scenes {
            side = scenes.generator.settings.side / patchSize * patchSize
            let grid = Grid(rows: side / patchSize, columns: side / patchSize)
            let view = CenterView(ViewSize(square: side))
            subjects = scenes.shown().map {
                FeatureSheet.Subject($0.pixels, chosen: $0.typicalPatch(in: view, grid: grid))
            }
        } else {
            side = 16 * patchSize
            subjects = try photographs(8).map { FeatureSheet.Subject($0) }
        }
        let sheet = FeatureSheet(
            title: "Patch features before and after \(after.description.steps) steps", subjects: subjects,
            columns: [("before", before.extractor()), ("after", after.extractor())], view: ViewSize(square: side))
        try sheet.picture().write(to: folder.featuresPicture)
    }

    /// A few readable images, spread evenly over the folder.
    private func photographs(_ count: Int) throws -> [Pixels] {
        let images = try ImageFolder(root: images)
        var found: [Pixels] = []
        for place in 0..<count {
            let start = place * images.count / count
            let end = (place + 1) * images.count / count
            for index in start..<end {
                guard let pixels = try? ImageFile.decode(path: images.path(of: index), channels: 3) else { continue }
                found.append(pixels)
                break
            }
        }
        guard !found.isEmpty else {
            throw UserError("None of the \(images.count) images below \(self.images) can be read.")
        }
        return found
    }
}

/// What a demo prints and writes to `scores.json`.
struct DemoScores: Codable {
    struct Network: Codable {
        let network: TrainedNetwork.Part
        let scores: SceneExam.Scores

        init(_ network: TrainedNetwork.Part, _ scores: SceneExam.Scores) {
            self.network = network
            self.scores = scores
        }
    }

    let seed: UInt64
    let steps: Int
    let seconds: Double
    var networks: [Network] = []

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    var table: String {
        var lines = ["", "\(steps) steps in \(Int(seconds)) seconds."]
        guard !networks.isEmpty else { return lines.joined(separator: "\n") }
        lines += [
            "",
            "in %                     k-NN of scenes (k 20)      patches by their nearest patches",
            "                         summary    mean patch      mean IoU      accuracy",
        ]
        for network in networks {
            let name = network.network == .untrained ? "before (untrained)" : "after: \(network.network.rawValue)"
            let s = network.scores
            lines.append(
                name.padding(toLength: 25, withPad: " ", startingAt: 0)
                    + String(
                        format: "%7.1f %13.1f %13.1f %13.1f", s.summary, s.meanPatch, s.patchIntersectionOverUnion,
                        s.patchAccuracy))
        }
        lines += [
            "",
            "k-NN: the kind of a whole scene by its 20 nearest; chance is 10 %. Patches: ground or one of ten kinds, against",
            "the masks; ground is most of them, so the mean over classes (IoU) says more than the accuracy.",
        ]
        return lines.joined(separator: "\n")
    }
}
