import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring weights of another program into a file of ours.",
        discussion: """
            Understood are training checkpoints and backbones of SelfPatch's authors and of DINO, Vision Transformers of timm \
            (a file, or a folder with config.json), ViT and DINOv2 folders of Hugging Face, also in parts, and what this program \
            writes. Which it is shows in the names and shapes of the tensors. The same files do wherever --weights stands; an \
            imported one says all of itself and needs no options any more.

            PyTorch's files are read as data: nothing in them is run. The number of attention heads is in no tensor: it comes \
            from a configuration beside or inside the file, else from --heads, else it is width / 64; the command says which. \
            Positions are resized by the rule of the program that trained them. What cannot be had here (norms on queries and \
            keys, gated MLPs, rotary positions ...) is refused by name.

            EXAMPLES
              selfpatch import dino_deitsmall8_pretrain.pth --output dino-small.safetensors
              selfpatch import checkpoint.pth --key student --heads 6 --output student.safetensors
              selfpatch import vit-base-patch16-224/ --output vit-base.safetensors --json
            """)

    @Argument(help: ArgumentHelp("The weights, or the folder that holds them.", valueName: "file|dir"))
    var source: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("Heads of attention, where nothing in or beside the file tells them.", valueName: "n"))
    var heads: Int?

    @Option(help: ArgumentHelp("Of a training checkpoint: student or teacher (default).", valueName: "network"))
    var key: CheckpointPart?

    @Flag(
        help: ArgumentHelp(
            "Take missing biases and norms as those of a new network, and pass over unknown tensors; both are listed."))
    var allowMissing = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if let heads, heads < 1 { throw ValidationError("--heads is \(heads); it has to be at least 1.") }
    }

    func run() throws {
        let trained = try TrainedNetwork(
            path: source, part: key == .student ? .student : .teacher, heads: heads, allowsMissing: allowMissing,
            withProjectionHeads: true, device: .cpu)
        try WeightsFile.write(trained.network, trained.description, to: output)
        if json {
            try printJSON(trained)
        } else {
            for note in trained.notes { print(note) }
            print("Written to \(output).")
        }
    }

    private func printJSON(_ trained: TrainedNetwork) throws {
        struct Document: Encodable {
            let source: String
            let output: String
            let origin: Origin
            let architecture: Architecture
            let mean: [Double]
            let deviation: [Double]
            let viewSize: [Int]
            let parameters: Int
            let notes: [String]
        }
        let description = trained.description
        let document = Document(
            source: trained.path, output: output, origin: description.origin, architecture: description.architecture,
            mean: description.mean, deviation: description.deviation, viewSize: description.viewSize,
            parameters: trained.network.parameters.reduce(0) { $0 + $1.tensor.count }, notes: trained.notes)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }
}

extension CheckpointPart: ExpressibleByArgument {}
