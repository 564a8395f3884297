import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Take weights to another program.",
        discussion: """
            Formats:
              safetensors   a file of ours, without projection heads
              timm          a folder that timm.create_model('local-dir:FOLDER', pretrained=True) and transformers' AutoModel load
              authors       a PyTorch file with the names of SelfPatch's authors, for their detection code
              mmseg         a PyTorch file for mmsegmentation 1.x
              mmseg-authors a PyTorch file for the authors' fork of mmsegmentation
              onnx          a model for ONNX Runtime and its like, opset 17: images of any number in one batch

            The command prints what has to be said to the other program, the number of heads above all: no tensor shows it. What \
            a format has no place for is named. The network gives the same features there for images of its own size; other \
            programs resize positions for other sizes by rules of their own, but ONNX models take ours along (--size any).

            EXAMPLES
              selfpatch export --weights run --to timm --output run-timm
              selfpatch export --weights run --to onnx --output run.onnx --size any --type float16
              selfpatch export --weights run --network student --to mmseg --output student.pth
            """)

    @OptionGroup var weights: WeightsOptions

    @Option(help: ArgumentHelp("Where the weights go.", valueName: "format"))
    var to: WeightsExport.Format

    @Option(help: ArgumentHelp("The file to write; for timm the folder.", valueName: "file|dir"))
    var output: String

    @Option(help: "ONNX: what comes out. (default: both)")
    var features: ONNXOptions.Output?

    @Option(
        help: ArgumentHelp(
            "ONNX: the images' size in pixels: 224, 320x480 (height x width), or any. (default: that of the training)",
            valueName: "size"))
    var size: ONNXOptions.ImageSize?

    @Option(help: "ONNX: the numbers of weights, input and output. (default: float32)")
    var type: ONNXOptions.Number?

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if to != .onnx, features != nil || size != nil || type != nil {
            throw ValidationError("--features, --size and --type are for --to onnx.")
        }
    }

    func run() throws {
        let trained = try weights.load()
        var export = WeightsExport(trained.network, trained.description)
        export.onnx.output = features ?? export.onnx.output
        export.onnx.imageSize = size ?? export.onnx.imageSize
        export.onnx.number = type ?? export.onnx.number
        let sentences = try export.write(as: to, to: output)
        if json {
            struct Document: Encodable {
                let weights, format, output: String
                let notes: [String]
            }
            let document = Document(weights: trained.path, format: to.rawValue, output: output, notes: sentences)
            try ResultFiles(table: "", document: document).print(asJSON: true)
        } else {
            for sentence in sentences { print(sentence) }
            print("Written to \(output).")
        }
    }
}

extension WeightsExport.Format: ExpressibleByArgument {}
extension ONNXOptions.Output: ExpressibleByArgument {}
extension ONNXOptions.Number: ExpressibleByArgument {}

extension ONNXOptions.ImageSize: ExpressibleByArgument {
    /// `any`, a side, or height x width.
    public init?(argument: String) {
        if argument == "any" {
            self = .any
            return
        }
        guard let size = ViewSize(argument: argument) else { return nil }
        self = .fixed(height: size.height, width: size.width)
    }
}
