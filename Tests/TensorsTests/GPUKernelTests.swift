import Foundation
import TestSupport
import Testing

/// The kernels' text as NVIDIA's own compiler takes it. It needs no GPU, but a library that libtorch for the CPU does not bring along:
/// `pip download nvidia-cuda-nvrtc` has it; `SELFPATCH_NVRTC` names the file.
@Suite struct GPUKernelTests {
    private static let library = ProcessInfo.processInfo.environment["SELFPATCH_NVRTC"]
    private static let kernels = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/CSelfPatchTorch/kernels").standardizedFileURL

    @Test(
        .enabled(if: library != nil, "SELFPATCH_NVRTC names no NVRTC"),
        arguments: ["distributions", "neighbors"].flatMap { [($0, "ELEMENT=float"), ($0, "ELEMENT=BFloat16")] }
            + [("residual", "PLAIN")] + [64, 192, 384, 768, 1024].map { ("layernorm", "WIDTH=\($0)") })
    func compile(file: String, definition: String) throws {
        let compiler = try Compiler(path: try #require(Self.library))
        func text(_ name: String) throws -> String {
            try String(contentsOf: Self.kernels.appendingPathComponent("\(name).cu"), encoding: .utf8)
        }
        for capability in [75, 80, 90, 100, 120] {
            let (status, log) = compiler.compile(
                try text("preface") + text(file),
                options: [
                    "--gpu-architecture=sm_\(capability)", "--std=c++17", "-D\(definition)", "--ptxas-options=-v",
                ])
            #expect(status == 0, "capability \(capability): \(log)")
            // Each thread's numbers stay in its registers.
            #expect(log.contains("0 bytes spill stores") && !log.contains(#/[1-9][0-9]* bytes spill/#), "\(log)")
        }
    }

    @Test(.enabled(if: library != nil, "SELFPATCH_NVRTC names no NVRTC"))
    func aMistakeIsSaid() throws {
        let compiler = try Compiler(path: try #require(Self.library))
        let (status, log) = compiler.compile("this is no kernel", options: ["--gpu-architecture=sm_90"])
        #expect(status != 0 && log.contains("error"))
    }

    private struct Compiler {
        private typealias Create =
            @convention(c) (
                UnsafeMutablePointer<OpaquePointer?>, UnsafePointer<CChar>, UnsafePointer<CChar>, CInt, OpaquePointer?,
                OpaquePointer?
            ) -> CInt
        private typealias Compile = @convention(c) (OpaquePointer?, CInt, UnsafePointer<UnsafePointer<CChar>?>) -> CInt
        private typealias LogSize = @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int>) -> CInt
        private typealias Log = @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>) -> CInt

        private let create: Create
        private let compile: Compile
        private let logSize: LogSize
        private let log: Log

        init(path: String) throws {
            let library = try #require(dlopen(path, RTLD_NOW), "\(path) cannot be opened")
            func find<Function>(_ name: String, as type: Function.Type) throws -> Function {
                unsafeBitCast(try #require(dlsym(library, name), "\(name)"), to: type)
            }
            create = try find("nvrtcCreateProgram", as: Create.self)
            compile = try find("nvrtcCompileProgram", as: Compile.self)
            logSize = try find("nvrtcGetProgramLogSize", as: LogSize.self)
            log = try find("nvrtcGetProgramLog", as: Log.self)
        }

        func compile(_ text: String, options: [String]) -> (status: CInt, log: String) {
            var program: OpaquePointer?
            guard create(&program, text, "kernels", 0, nil, nil) == 0 else { return (-1, "no program") }
            let words = options.map { strdup($0) }
            defer { words.forEach { free($0) } }
            let status = compile(program, CInt(words.count), words.map { UnsafePointer($0) })
            var size = 0
            guard logSize(program, &size) == 0, size > 0 else { return (status, "") }
            let characters = [CChar](unsafeUninitializedCapacity: size) { buffer, count in
                count = log(program, buffer.baseAddress.unsafelyUnwrapped) == 0 ? size : 0
            }
            return (status, String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
    }
}
