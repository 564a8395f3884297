import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Draw scenes, pretrain on them for a few minutes, and show what was learned.",
        discussion: """
            Without --data: draws 4,000 scenes with things of ten kinds and 1,000 more to be tested on, pretrains the Nano \
            model on them, and prints two scores before and after: how often the kind of a scene is told by its nearest \
            neighbours, and how well single patches are labelled by theirs.

            With --data: pretrains on your images, which need no labels, and prints no scores.

            Either way features.png shows images beside the first three principal components of their patch features, and \
            beside the similarity of one chosen patch to all others, before and after.

            EXAMPLES
              selfpatch demo
              selfpatch demo --data photos --output demo-photos
              selfpatch demo --minutes 15
            """)

    @Option(help: ArgumentHelp("Your own images instead of drawn scenes.", valueName: "dir"))
    var data: String?

    @Option(
        help: ArgumentHelp("The folder for everything that is made; a former demo in it is replaced.", valueName: "dir")
    )
    var output = "demo"

    @Option(help: ArgumentHelp("Minutes of pretraining: the number of steps is chosen to fit.", valueName: "n"))
    var minutes = 4.5

    @Option(help: ArgumentHelp("Train just so many steps, however long they take.", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("Scenes to train on.", valueName: "n"))
    var scenes = 4000

    @Option(help: ArgumentHelp("Scenes to be tested on.", valueName: "n"))
    var heldOut = 1000

    @Option(help: ArgumentHelp("What scenes, weights and views are drawn from.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("CPU threads; 0: as many as there are cores.", valueName: "n"))
    var threads = 0

    @Flag(help: "Print the scores as one JSON document, and everything else on standard error.")
    var json = false

    func validate() throws {
        if !(minutes > 0 && minutes < 1e5) { throw ValidationError("--minutes is \(minutes); it has to be above 0.") }
        if let steps, steps < 1 { throw ValidationError("--steps is \(steps); it has to be at least 1.") }
        if scenes < 320 { throw ValidationError("--scenes is \(scenes); it has to be at least 320.") }
        if heldOut < 10 { throw ValidationError("--held-out is \(heldOut); it has to be at least 10.") }
        if threads < 0 { throw ValidationError("--threads is \(threads); it is 0 or the number of threads.") }
    }

    func run() throws {
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        let folder = DemoFolder(path: output)
        try folder.clear()
        if let data {
            try DemoRun(options: self, folder: folder, images: data, scenes: nil).run()
        } else {
            let drawn = DemoScenes(folder: folder.path + "/scenes", seed: seed, count: scenes, heldOut: heldOut)
            say("Drawing \(scenes) scenes to train on and \(heldOut) to be tested on ...")
            try drawn.write()
            try DemoRun(options: self, folder: folder, images: drawn.trainingFolder, scenes: drawn).run()
        }
    }

    /// For people: on standard output, unless that is for JSON.
    func say(_ line: String) {
        let handle = json ? FileHandle.standardError : FileHandle.standardOutput
        handle.write(Data((line + "\n").utf8))
    }
}
