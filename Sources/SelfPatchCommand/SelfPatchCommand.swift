import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchTensors

/// The program: `selfpatch <command>`.
@main
struct SelfPatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selfpatch",
        abstract: "Pretrain Vision Transformers on your own images so that patches mean something.",
        version: "selfpatch 0.1.0, libtorch \(Libtorch.version)",
        subcommands: [
            Pretrain.self,
            Knn.self,
            Linear.self,
            Segment.self,
            Track.self,
            Detect.self,
            Import.self,
            Export.self,
            Embed.self,
            Inspect.self,
            Demo.self,
            Settings.self,
            Bench.self,
            CheckData.self,
            Pack.self,
            Doctor.self,
            PreviewViews.self,
            ProbeMemory.self,
        ])

    /// The one place where errors become text and an exit code.
    static func main() {
        Libtorch.initialize()
        Libtorch.keepMemory()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as UserError {
            FileHandle.standardError.write(Data("selfpatch: \(error.message)\n".utf8))
            exit(withError: ExitCode(error.exitCode))
        } catch {
            exit(withError: error)
        }
    }
}
