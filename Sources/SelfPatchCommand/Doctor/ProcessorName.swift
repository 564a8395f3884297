import Foundation

/// What the system calls its processor and its GPUs.
enum ProcessorName {
    static func read() -> String {
        if let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
            let name = line.split(separator: ":", maxSplits: 1).last
        {
            return name.trimmingCharacters(in: .whitespaces)
        }
        #if arch(arm64)
            return "arm64"
        #else
            return "x86-64"
        #endif
    }

    /// Names of NVIDIA's GPUs in the driver's order; empty where the driver does not tell.
    static func graphics() -> [String] {
        let root = "/proc/driver/nvidia/gpus"
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return folders.sorted().compactMap { folder in
            guard let text = try? String(contentsOfFile: "\(root)/\(folder)/information", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Model:") })
            else { return nil }
            return line.dropFirst("Model:".count).trimmingCharacters(in: .whitespaces)
        }
    }
}
