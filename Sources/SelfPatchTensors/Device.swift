import CSelfPatchTorch
import Foundation
import SelfPatchFormats

/// Where a tensor lives.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    case cuda(Int)
    case mps

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .mps: "mps"
        }
    }

    var native: sp_device {
        switch self {
        case .cpu: sp_device(kind: SP_CPU, index: 0)
        case .cuda(let index): sp_device(kind: SP_CUDA, index: Int32(index))
        case .mps: sp_device(kind: SP_MPS, index: 0)
        }
    }

    init(native: sp_device) {
        switch native.kind {
        case SP_CUDA: self = .cuda(Int(native.index))
        case SP_MPS: self = .mps
        default: self = .cpu
        }
    }

    /// Waits until the device has done all that it was asked; at once on the CPU.
    package func synchronize() {
        Failure.stop("synchronize \(self)", sp_synchronize(native))
    }

    /// The device that a setting names: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
    ///
    /// Call it once, before the first tensor: libtorch looks for CUDA once and keeps the answer.
    /// - Throws: `UserError` where the device is unknown or not to be had, with what to do.
    public static func resolve(_ name: String) throws -> Device {
        switch name {
        case "cpu": return .cpu
        case "auto": return best
        case "mps":
            guard sp_mps_is_available() else {
                throw UserError(
                    "Device 'mps' was asked for, but this machine has none. Try --device cpu.", kind: .failure)
            }
            return .mps
        case "cuda": return try graphicsProcessor(0)
        default:
            let parts = name.split(separator: ":", omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == "cuda", let index = Int(parts[1]), index >= 0 {
                return try graphicsProcessor(index)
            }
            throw UserError(
                "Unknown device '\(name)'. Devices are auto, cpu, cuda, cuda:N and mps.", kind: .usage)
        }
    }

    /// What `auto` names. A GPU that is there and cannot be used is told once, on standard error.
    private static let best: Device = {
        if CUDA.driverDeviceCount > 0 {
            let problem: String
            do {
                if try CUDA.open() { return withKernels(0) }
                problem = "A GPU was found, but libtorch cannot use it; the driver may be too old for CUDA 13."
            } catch { problem = "\(error)" }
            let line = "\(problem) Going on with the CPU; `selfpatch doctor` says more.\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        return sp_mps_is_available() ? .mps : .cpu
    }()

    private static func graphicsProcessor(_ index: Int) throws -> Device {
        guard CUDA.driverDeviceCount > 0 else {
            throw UserError(
                "Device 'cuda' was asked for, but no NVIDIA driver with a GPU was found on this machine. Try --device cpu."
            )
        }
        guard try CUDA.open() else {
            throw UserError(
                "A GPU is there, but libtorch cannot use it. `selfpatch doctor` says more; --device cpu works meanwhile."
            )
        }
        let count = Int(sp_cuda_device_count())
        guard index < count else {
            throw UserError("Device 'cuda:\(index)' was asked for, but there are \(count) GPUs, counted from 0.")
        }
        return withKernels(index)
    }

    /// The GPU, once its kernels have been tried. Where it has none that is told once, on standard error.
    private static func withKernels(_ index: Int) -> Device {
        if let problem = CUDA.kernelProblem(of: index), lock.withLock({ told.insert(index).inserted }) {
            let line = "cuda:\(index) goes without kernels of ours and is slower for it: \(problem)\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        return .cuda(index)
    }

    private static let lock = NSLock()
    nonisolated(unsafe) private static var told: Set<Int> = []
}

/// The GPUs of NVIDIA, found at run time: the program itself is linked against the CPU's libraries alone.
package enum CUDA {
    /// GPUs that the driver knows, asked without loading libtorch's half a gigabyte; 0 without a driver.
    package static let driverDeviceCount: Int = Int(sp_cuda_driver_device_count())

    /// Opens libtorch's CUDA library. Whether a GPU can be used then.
    /// - Throws: `UserError` where the library is missing, with the folder in which it should lie.
    package static func open() throws -> Bool {
        var available = false
        if let failure = Failure(sp_open_cuda(&available)) {
            throw UserError(
                "A GPU was found, but libtorch's CUDA library could not be opened: \(failure.message). "
                    + "`make setup CUDA=1` brings it.")
        }
        return available
    }

    /// Why a GPU goes without kernels of this program's own; nil where it has them. They are tried there at the first call, for some
    /// tenths of a second.
    package static func kernelProblem(of index: Int) -> String? {
        sp_gpu_kernel_obstacle(Device.cuda(index).native).map { String(cString: $0) }
    }

    package static var deviceCount: Int { Int(sp_cuda_device_count()) }

    /// Bytes free now, bytes in all, and the most that this process has had in tensors.
    package static func memory(of index: Int) -> (free: Int, total: Int, peak: Int) {
        var free: Int64 = 0
        var total: Int64 = 0
        var peak: Int64 = 0
        Failure.stop("memory of cuda:\(index)", sp_cuda_memory(Int32(index), &free, &total, &peak))
        return (Int(free), Int(total), Int(peak))
    }
}

/// What libtorch is and finds on this machine.
public enum Libtorch {
    /// Keeps libtorch's warnings silent, which a user can do nothing about. Once, before anything else.
    public static func initialize() { sp_initialize() }

    /// Keeps the memory of large tensors on the CPU in the process from now on; fresh memory costs more time than most operations.
    /// For programs that train, before the first tensor.
    package static func keepMemory() { sp_keep_memory() }

    /// The most bytes that large tensors on the CPU have taken together, where memory is kept; 0 elsewhere.
    package static var peakTensorBytes: Int { Int(sp_peak_tensor_bytes()) }

    public static var version: String { String(cString: sp_version()) }
    /// The file of its CPU library, links resolved.
    package static var libraryPath: String { String(cString: sp_library_path()) }
    /// `DEFAULT`, `AVX2`, `AVX512`: what its kernels were chosen for.
    package static var cpuCapability: String { String(cString: sp_cpu_capability()) }

    /// Threads that one operation uses. Setting it holds for the calling thread; set it before the first operation.
    public static var threadCount: Int {
        get { Int(sp_thread_count()) }
        set { sp_set_thread_count(Int32(newValue)) }
    }
}
