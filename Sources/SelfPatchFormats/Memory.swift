import Foundation

/// What this process takes of the machine's memory.
package enum Memory {
    /// The most that has been resident so far, in bytes.
    package static var peakBytes: Int {
        // On Linux getrusage also counts what the process was before it became this program: whoever started it.
        if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        {
            return kilobytes * 1024
        }
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF; its type differs between systems.
        #if os(Linux)
            return usage.ru_maxrss * 1024
        #else
            return usage.ru_maxrss
        #endif
    }
}
