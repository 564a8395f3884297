import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// The golden folder's hostile checkpoints: each must be refused for the right reason, soon and without much memory, and
/// the sound ones read with the right values.
@Suite struct HostilePyTorchGoldens {
    struct Manifest: Decodable {
        struct Case: Decodable {
            let file: String
            let expect: String
            let reasons: [String]
            let about: String
            let tensors: [String: [Int]]?
        }
        struct Limits: Decodable {
            let memory_mb: Int
            let seconds: Double
        }
        let limits: Limits
        let cases: [Case]
    }

    static let material = HostileSafetensorsGoldens.material

    @Test(.requires(material))
    func everyFileIsRefusedForTheRightReasonOrRead() throws {
        let folder = try #require(Self.material.path)
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder + "/manifest.json")))
        let cases = manifest.cases.filter { $0.file.hasSuffix(".pth") }
        #expect(!cases.isEmpty)
        let expected = try SafetensorsFile(path: folder + "/controls-expected.safetensors")
        for example in cases {
            try read(example, in: folder, expected)
            // Tests beside this one take processor time and memory too: of three readings the leanest counts.
            let costs = (0..<3).map { _ in Self.cost(of: folder + "/" + example.file) }
            let (seconds, memory) = (costs.map(\.seconds).min() ?? 0, costs.map(\.peakBytes).min() ?? 0)
            #expect(seconds < manifest.limits.seconds, "\(example.file) took \(seconds) s")
            #expect(memory < manifest.limits.memory_mb << 20, "\(example.file) took \(memory) bytes")
        }
    }

    private func read(_ example: Manifest.Case, in folder: String, _ expected: SafetensorsFile) throws {
        do {
            let file = try Self.wholeFile(folder + "/" + example.file)
            #expect(example.expect != "refused", "\(example.file) was read: \(example.about)")
            try compare(file, with: example, expected)
        } catch let refusal as FileRefusal {
            #expect(example.expect != "read", "\(refusal.sentence)")
            #expect(
                example.reasons.contains(refusal.reason.rawValue),
                "\(example.file): \(refusal.reason) (\(refusal.sentence)), where \(example.reasons) fit")
        } catch let error as UserError {
            #expect(example.reasons == ["checksum"], "\(example.file): \(error.message)")
        }
    }

    /// Every tensor is read too: checksums of storages are compared only then.
    private static func wholeFile(_ path: String) throws -> PyTorchFile {
        let file = try PyTorchFile(MappedFile(path: path))
        for entry in file.entries { try file.withContiguousBytes(of: entry.tensor) { _ in } }
        return file
    }

    /// Processor seconds of this thread, and how far the process's peak of resident memory rose above what it had.
    private static func cost(of path: String) -> (seconds: Double, peakBytes: Int) {
        // Linux forgets the peak when told so; elsewhere the first of the readings counts.
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        let (memory, start) = (Memory.peakBytes, threadSeconds())
        _ = try? wholeFile(path)
        return (threadSeconds() - start, Memory.peakBytes - memory)
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    /// What users meet: one sentence or a few that name the file.
    @Test(.requires(material))
    func refusalsNameTheFile() throws {
        let folder = try #require(Self.material.path)
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder + "/manifest.json")))
        for example in manifest.cases where example.file.hasSuffix(".pth") && example.expect == "refused" {
            let path = folder + "/" + example.file
            let error = #expect(throws: UserError.self, "\(example.file)") {
                try PyTorchFile(path: path).verifyChecksums()
            }
            let message = error?.message ?? ""
            #expect(message.hasPrefix("Cannot read \(path) as a PyTorch file: ") && message.hasSuffix("."))
            #expect(message.utf8.count < path.utf8.count + 500, "\(message)")
        }
    }

    private func compare(_ file: PyTorchFile, with example: Manifest.Case, _ expected: SafetensorsFile) throws {
        for (name, shape) in example.tensors ?? [:] {
            let tensor = try #require(file[name], "\(example.file) lacks \(name)")
            #expect(tensor.shape == shape, "\(example.file), \(name)")
            guard example.expect == "read" else { continue }
            let wanted = try #require(expected["\(example.file)/\(name)"], "no value for \(example.file)/\(name)")
            var bytes = try file.withContiguousBytes(of: tensor) { Array($0) }
            if tensor.elementType == .bf16, wanted.elementType == .f32 {
                bytes = stride(from: 0, to: bytes.count, by: 2).flatMap { [0, 0, bytes[$0], bytes[$0 + 1]] }
            }
            #expect(bytes == expected.withBytes(of: wanted) { Array($0) }, "\(example.file), \(name)")
        }
    }
}
