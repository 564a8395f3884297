import Foundation
import TestSupport
import Testing

/// `make setup TORCH=DIR` in caches that hold a libtorch already.
@Suite struct SetUpTests {
    #if os(Linux) && arch(x86_64)
        private static func setUp(_ folder: TemporaryFolder) throws -> ProgramRun {
            try ProgramRun.of(
                [],
                environment: [
                    "SELFPATCH_CACHE": folder.file("cache"), "SELFPATCH_LIBTORCH": "", "CUDA": "0",
                    "TORCH": folder.file("torch"),
                ], program: PackageFolder.path("scripts/setup"))
        }

        private static func writeTorch(to folder: TemporaryFolder, libraries: [String]) throws {
            try folder.write("__version__ = '2.11.0+cu130'\n", to: "torch/version.py")
            for library in libraries { try folder.write("", to: "torch/lib/\(library).so") }
            // What an earlier set-up left.
            try folder.write("", to: "cache/libtorch-2.11.0-cuda/pkgconfig/selfpatch-libtorch.pc")
        }

        @Test func anInstalledTorchTakesThePlaceOfAnother() throws {
            try withTemporaryFolder { folder in
                try Self.writeTorch(to: folder, libraries: ["libtorch_cpu", "libtorch_cuda"])
                let run = try Self.setUp(folder)
                #expect(run.exitCode == 0, "\(run)")
                let link = folder.file("cache/libtorch-2.11.0-cuda/torch")
                #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == folder.file("torch"))
                #expect(run.output.contains("libtorch in \(folder.file("cache/libtorch-2.11.0-cuda"))"), "\(run)")
            }
        }

        /// The tree with CUDA would be taken before it.
        @Test func anInstalledTorchThatWouldNotBeTakenIsRefused() throws {
            try withTemporaryFolder { folder in
                try Self.writeTorch(to: folder, libraries: ["libtorch_cpu"])
                let run = try Self.setUp(folder)
                #expect(run.exitCode == 1, "\(run)")
                #expect(
                    run.errors.contains(folder.file("torch")) && run.errors.contains("libtorch-2.11.0-cuda"), "\(run)")
            }
        }
    #endif
}
