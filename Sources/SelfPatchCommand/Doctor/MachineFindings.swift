import Foundation
import SelfPatchTensors

/// Everything that `doctor` finds; its JSON is these fields.
struct MachineFindings: Encodable {
    struct Library: Encodable {
        let version: String
        let path: String
        /// The instruction set that libtorch's kernels were chosen for.
        let cpuCapability: String
        /// What `swift build` of a package that uses the library needs; nil where libtorch lies without its pkg-config file.
        let buildFlags: String?
    }

    struct Processor: Encodable {
        let name: String
        let cores: Int
        /// Threads that one operation of libtorch uses.
        let threads: Int
        let products: [ProductTiming]
        /// The precision that `auto` should mean for training here.
        let precision: String
    }

    struct Graphics: Encodable {
        struct Unit: Encodable {
            let device: String
            let name: String?
            let freeBytes: Int
            let totalBytes: Int
            let products: [ProductTiming]
            /// Why it goes without kernels of ours; nil where it has them.
            let kernelProblem: String?
        }
        /// GPUs that the driver knows.
        let found: Int
        let units: [Unit]
        /// Why the GPUs found cannot be used; nil where they can, or where there is none.
        let problem: String?
    }

    struct Memory: Encodable {
        let totalBytes: Int
        let availableBytes: Int
    }

    struct Disk: Encodable {
        let what: String
        let path: String
        let freeBytes: Int?
        let totalBytes: Int?
    }

    let libtorch: Library
    let processor: Processor
    let graphics: Graphics
    let memory: Memory
    let disks: [Disk]
    /// Sentences that say what to do; empty on a machine that lacks nothing.
    let advice: [String]

    /// Looks at the machine. GPUs come first: libtorch looks for CUDA once and keeps the answer.
    static func gather() -> MachineFindings {
        let graphics = findGraphics()
        let libtorch = Library(
            version: Libtorch.version, path: Libtorch.libraryPath, cpuCapability: Libtorch.cpuCapability,
            buildFlags: Self.buildFlags(library: Libtorch.libraryPath))
        let products = ProductTiming.all(on: .cpu)
        let processor = Processor(
            name: ProcessorName.read(), cores: ProcessInfo.processInfo.activeProcessorCount,
            threads: Libtorch.threadCount, products: products,
            precision: ProductTiming.bfloat16IsFast(products) ? "bf16" : "float32")
        let system = SystemMemory.now()
        let memory = Memory(totalBytes: system.total, availableBytes: system.available)
        let disks = [disk("cache", cacheFolder), disk("here", FileManager.default.currentDirectoryPath)]
        return MachineFindings(
            libtorch: libtorch, processor: processor, graphics: graphics, memory: memory, disks: disks,
            advice: advice(libtorch: libtorch, processor: processor, graphics: graphics, memory: memory, disks: disks))
    }

    /// Where set-up keeps libtorch.
    private static var cacheFolder: String {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = environment["SELFPATCH_CACHE"], !chosen.isEmpty { return chosen }
        if let caches = environment["XDG_CACHE_HOME"], !caches.isEmpty { return caches + "/selfpatch" }
        return NSHomeDirectory() + "/.cache/selfpatch"
    }

    /// Space of the file system that a folder lies on, or would lie on.
    private static func disk(_ what: String, _ path: String) -> Disk {
        var existing = URL(fileURLWithPath: path).standardizedFileURL
        while !FileManager.default.fileExists(atPath: existing.path), existing.path != "/" {
            existing.deleteLastPathComponent()
        }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: existing.path)
        return Disk(
            what: what, path: path,
            freeBytes: (attributes?[.systemFreeSize] as? NSNumber)?.intValue,
            totalBytes: (attributes?[.systemSize] as? NSNumber)?.intValue)
    }

    private static func findGraphics() -> Graphics {
        let found = CUDA.driverDeviceCount
        guard found > 0 else { return Graphics(found: 0, units: [], problem: nil) }
        do {
            guard try CUDA.open() else {
                return Graphics(
                    found: found, units: [],
                    problem:
                        "libtorch's CUDA library was opened but finds no GPU; the driver may be too old for CUDA 13.")
            }
        } catch {
            return Graphics(found: found, units: [], problem: "\(error)")
        }
        let names = ProcessorName.graphics()
        let units = (0..<CUDA.deviceCount).map { index in
            // Without CUDA_VISIBLE_DEVICES the driver's order is libtorch's, otherwise a name could be another GPU's.
            let isPlain = ProcessInfo.processInfo.environment["CUDA_VISIBLE_DEVICES"] == nil && names.count == found
            let memory = CUDA.memory(of: index)
            return Graphics.Unit(
                device: "\(Device.cuda(index))", name: isPlain ? names[index] : nil,
                freeBytes: memory.free, totalBytes: memory.total, products: ProductTiming.all(on: .cuda(index)),
                kernelProblem: CUDA.kernelProblem(of: index))
        }
        return Graphics(found: found, units: units, problem: nil)
    }
}

extension MachineFindings {
    /// `make setup` puts the pkg-config file two folders above libtorch's own.
    private static func buildFlags(library: String) -> String? {
        let libraries = URL(filePath: library).deletingLastPathComponent()
        let packages = libraries.deletingLastPathComponent().deletingLastPathComponent().appending(path: "pkgconfig")
        guard FileManager.default.fileExists(atPath: packages.path + "/selfpatch-libtorch.pc") else { return nil }
        return "--pkg-config-path \(packages.path) -Xlinker -rpath -Xlinker \(libraries.path)"
    }
}
