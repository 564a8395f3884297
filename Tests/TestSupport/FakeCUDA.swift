import Foundation

/// A GPU that is none, for the program as a process of its own: the driver and libtorch's CUDA library, both by `Tests/FakeCUDA`.
///
/// Tensors on it are the host's memory and their operations the processor's, so that numbers agree with a run on the CPU; yet a tensor
/// that was left on the CPU is refused, memory that nobody wrote is no number, and what goes there on a stream of its own arrives
/// as late as it may. The program's own kernels run as their text says, thread by thread. Memory of one stream that is given back while another may still read it ends the program.
package struct FakeCUDA {
    private let folder: TemporaryFolder

    /// - Parameter libtorch: the path of its CPU library that the program uses.
    package init(in folder: TemporaryFolder, libtorch: String) throws {
        self.folder = folder
        let library = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("libFakeCUDA.so")
        let from = URL(fileURLWithPath: libtorch).deletingLastPathComponent()
        let to = URL(fileURLWithPath: folder.file("torch/lib"))
        let files = FileManager.default
        try files.createDirectory(at: to, withIntermediateDirectories: true)
        // The program looks beside libtorch's CPU library, links resolved: so the same file has to lie here as well.
        for name in try files.contentsOfDirectory(atPath: from.path)
        where !name.contains("cuda") && !name.contains("nvrtc") {
            let (source, target) = (from.appendingPathComponent(name), to.appendingPathComponent(name))
            do { try files.linkItem(at: source, to: target) } catch { try files.copyItem(at: source, to: target) }
        }
        let others = from.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("nvidia")
        if files.fileExists(atPath: others.path) {
            try files.createSymbolicLink(atPath: folder.file("nvidia"), withDestinationPath: others.path)
        }
        try files.copyItem(at: library, to: to.appendingPathComponent("libtorch_cuda.so"))
        for name in ["libcuda.so.1", "libcaffe2_nvrtc.so"] {
            try files.createSymbolicLink(
                at: to.appendingPathComponent(name), withDestinationURL: to.appendingPathComponent("libtorch_cuda.so"))
        }
    }

    package var environment: [String: String] {
        ["LD_LIBRARY_PATH": folder.file("torch/lib"), "FAKE_CUDA_REPORT": folder.file("report.json")]
    }

    /// The program gets a SIGTERM the moment it waits for the GPU for this time, counted from 1.
    package func environment(stoppingAtWait count: Int) -> [String: String] {
        environment.merging(["FAKE_CUDA_STOP_AT_WAIT": "\(count)"]) { $1 }
    }

    /// What the last program that ended asked of it.
    package func report() throws -> Report {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("report.json")))
        return try JSONDecoder().decode(Report.self, from: data)
    }

    package struct Report: Decodable {
        /// Calls of each of libtorch's operations.
        package let operations: [String: Int]
        /// How often the host waited, by what for: `number`, `download`, `stream`, `event`, `device`.
        package let waits: [String: Int]
        package let uploads: Int
        package let uploadedBytes: Int
        /// Of more than 64 KiB out of memory that is not pinned: the host waits for the whole queue before it.
        package let slowUploads: Int
        /// Bytes that went on another stream than the one that computes.
        package let asideBytes: Int
        /// Copied to the host, which waits for them.
        package let downloadedBytes: Int
        package let peakBytes: Int

        package var operationCount: Int { operations.values.reduce(0, +) }
        package var waitCount: Int { waits.values.reduce(0, +) }
    }
}
