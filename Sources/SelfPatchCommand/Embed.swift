import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write features of a folder of images, for a search, a plot or another program.",
        discussion: """
            All images below the folder are taken, in the order of their names: each is resized and its middle taken, as the \
            evaluation does. A row of the file is one image: its image summary, the mean over its patches, or all patches as \
            rows x columns x width.

            The output is a NumPy array (.npy) or a safetensors file with one tensor, features. Beside photos.npy stand \
            photos.names.txt (a name for each row), photos.skipped.txt (number, tab, reason for each image that could not be \
            read) and photos.json (what the rows are and what they were made with).

            A call that was stopped or killed is gone on with by the same call. Memory holds one batch.

            EXAMPLES
              selfpatch embed photos --weights run --output photos.npy
              selfpatch embed photos --weights run --features dense --size 448 --type float16 --output patches.npy
              selfpatch embed photos --weights dino_deitsmall8_pretrain.pth --output photos.safetensors
            """)

    /// How the numbers are stored.
    enum Number: String, CaseIterable, ExpressibleByArgument {
        case float32
        case float16
    }

    @Argument(help: ArgumentHelp("The images.", valueName: "dir"))
    var folder: String

    @OptionGroup var weights: WeightsOptions

    @OptionGroup var precision: PrecisionOptions

    @Option(help: ArgumentHelp("The file to write: .npy or .safetensors.", valueName: "file"))
    var output: String

    @Option(help: "What a row holds.")
    var features = EmbeddingDescription.Kind.summary

    @OptionGroup var view: ViewOptions

    @Option(help: "How the numbers are stored.")
    var type = Number.float32

    @Option(help: ArgumentHelp("Images that go through the network together.", valueName: "n"))
    var batch = 64

    func validate() throws {
        if batch < 1 { throw ValidationError("--batch is \(batch); it has to be at least 1.") }
    }

    func run() throws {
        StopSignal.install()
        let images = try ImageFolder(root: folder)
        let trained = try weights.load()
        precision.apply(to: trained)
        var embedding = FolderEmbedding(try trained.extractor(view: view.size, batchSize: batch))
        embedding.kind = features
        embedding.isHalf = type == .float16
        var line = ProgressLine(title: "Features", total: images.count)
        let outcome = try embedding.write(images, to: output, weights: trained.path) { done in
            line.advance(to: done)
        } isStopped: {
            StopSignal.received != nil
        }
        line.clear()
        for problem in images.problems {
            warn("not entered: \(problem.problem.userError(file: PrintableName.of(problem.name)))")
        }
        if let signal = StopSignal.received, !outcome.isFinished {
            print("Stopped after \(outcome.images) of \(images.count) images; the same command goes on there.")
            throw ExitCode(StopSignal.exitCode(of: signal))
        }
        let skipped = outcome.skipped == 0 ? "" : "; \(outcome.skipped) could not be read, see \(base).skipped.txt"
        print("\(outcome.images - outcome.skipped) rows in \(output), their names in \(base).names.txt\(skipped)")
    }

    private var base: String { (output as NSString).deletingPathExtension }
}

extension EmbeddingDescription.Kind: ExpressibleByArgument {}
