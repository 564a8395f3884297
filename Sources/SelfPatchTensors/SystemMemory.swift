import Foundation
import SelfPatchFormats

/// The machine's memory as this process may use it: a container's limit counts where it is lower than the machine's.
package struct SystemMemory: Sendable, Equatable {
    /// Bytes in all.
    package let total: Int
    /// Bytes that could be had now without swapping.
    package let available: Int

    /// Asks the system.
    package static func now() -> SystemMemory {
        var total = Int(ProcessInfo.processInfo.physicalMemory)
        var available = total
        if let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) {
            total = kilobytes("MemTotal", in: text) ?? total
            available = kilobytes("MemAvailable", in: text) ?? total
        }
        if let limit = number(at: "/sys/fs/cgroup/memory.max")
            ?? number(at: "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            limit < total
        {
            let used =
                number(at: "/sys/fs/cgroup/memory.current")
                ?? number(at: "/sys/fs/cgroup/memory/memory.usage_in_bytes") ?? 0
            total = limit
            available = min(available, max(0, limit - used))
        }
        return SystemMemory(total: total, available: available)
    }

    /// A line `MemTotal:  1234 kB` of `/proc/meminfo`, in bytes.
    static func kilobytes(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            guard let number = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
            return number * 1024
        }
        return nil
    }

    /// The number in a file of the kernel's; nil where there is none, as `max` in a group without a limit.
    private static func number(at path: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}

extension Device {
    /// The most memory that has been in use so far, in bytes: this process's on the machine, or its tensors' on a GPU.
    package var peakBytes: Int {
        if case .cuda(let index) = self { return CUDA.memory(of: index).peak }
        return Memory.peakBytes
    }
}
