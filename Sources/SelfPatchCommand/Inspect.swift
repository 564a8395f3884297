import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a checkpoint is: origin, architecture, settings, names and shapes of its tensors.",
        discussion: """
            Any file or folder that `selfpatch import` knows, the folder of a run, and other safetensors and PyTorch files too. \
            Tensors' bytes are not read, so files of any size are told at once; --verify reads them and compares their checksums. \
            Blocks that are alike are shown once.

            EXAMPLES
              selfpatch inspect checkpoint.pth
              selfpatch inspect runs/photos --verify
              selfpatch inspect vit-base-patch16-224/ --json
            """)

    @Argument(help: ArgumentHelp("The checkpoint, the folder that holds it, or a run.", valueName: "file|dir|run"))
    var source: String

    @Option(help: ArgumentHelp("Heads of attention, where nothing in or beside the file tells them.", valueName: "n"))
    var heads: Int?

    @Option(help: ArgumentHelp("Of a training checkpoint: student or teacher (default).", valueName: "network"))
    var key: CheckpointPart?

    @Flag(help: "Read everything and compare it with its checksums.")
    var verify = false

    @Flag(help: "Print one JSON document, with every tensor.")
    var json = false

    func run() throws {
        let inspection = try CheckpointInspection(
            path: try file(), options: .init(part: key, heads: heads), verifies: verify)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(inspection), as: UTF8.self))
        } else {
            printTree(inspection)
        }
    }

    /// Of a run the finished weights, or its newest checkpoint.
    private func file() throws -> String {
        guard RunFolder.isRun(source) else { return source }
        let folder = try RunFolder(existing: source)
        if FileManager.default.fileExists(atPath: folder.weightsFile) { return folder.weightsFile }
        guard let newest = try folder.checkpoints().first else {
            throw UserError("\(folder.path) holds a run without checkpoints so far.")
        }
        return newest.path
    }

    private func printTree(_ inspection: CheckpointInspection) {
        print("\(inspection.path): \(inspection.container), \(Amount.bytes(inspection.fileBytes))")
        if !inspection.notes.isEmpty {
            for note in inspection.notes { print("  \(note)") }
        } else if let origin = inspection.origin, let architecture = inspection.architecture {
            print("  This is \(origin): \(architecture)")
            if let mean = inspection.mean, let deviation = inspection.deviation, let size = inspection.viewSize {
                print("  Mean \(mean) and deviation \(deviation). Views of \(size[0]) x \(size[1]) pixels.")
            }
        }
        if let step = inspection.step { print("  Step \(step).") }
        if let problem = inspection.problem {
            print("  " + problem.replacing("\n", with: "\n  "))
        }
        print("  Checksum: \(inspection.checksum).")
        let settings = SettingsLines.of(inspection.settings)
        if !settings.isEmpty {
            print("settings")
            for line in settings { print("  \(line)") }
        }
        print(
            "tensors: \(inspection.tensors.count), \(TensorTree.grouped(inspection.parameterCount)) numbers, "
                + Amount.bytes(inspection.tensorBytes))
        for line in TensorTree(inspection.tensors).lines { print("  \(line)") }
    }
}

/// A document's plain values, one a line, sections indented.
enum SettingsLines {
    static func of(_ value: JSONValue) -> [String] {
        guard let members = value.object else { return [short(value)] }
        return members.sorted { $0.key < $1.key }.flatMap { key, value -> [String] in
            let name = PrintableName.of(key)
            guard let inner = value.object, !inner.isEmpty else { return ["\(name): \(short(value))"] }
            return [name] + of(value).map { "  \($0)" }
        }
    }

    private static func short(_ value: JSONValue) -> String {
        switch value {
        case .null: "none"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): cut(PrintableName.of(value))
        case .array(let items):
            items.contains { $0.object != nil }
                ? "\(items.count) sections" : cut("[\(items.map(short).joined(separator: ", "))]")
        case .object: "{}"
        }
    }

    private static func cut(_ text: String) -> String { text.count > 100 ? text.prefix(100) + "..." : text }
}
