import Foundation

/// One line on a terminal that says how far a long task has come; nothing where standard error is not a terminal.
struct ProgressLine {
    private let title: String
    private let total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?
    private var isThere = false
    private var done = 0

    init(title: String, total: Int) {
        self.title = title
        self.total = total
    }

    /// One more is done. The line is drawn ten times a second at most.
    mutating func advance(note: String = "") {
        done += 1
        guard isShown else { return }
        let now = ContinuousClock.now
        if let lastDrawn, now - lastDrawn < .milliseconds(100), done < total { return }
        lastDrawn = now
        isThere = true
        let share = Double(done) / Double(max(total, 1))
        let width = 24
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let seconds = (now - start) / .seconds(1)
        let rate = seconds > 0 ? Double(done) / seconds : 0
        let left = rate > 0 ? ", " + Self.text(seconds: Double(total - done) / rate) + " left" : ""
        let notes = note.isEmpty ? "" : ", " + note
        write("\r\(title) [\(bar)] \(done) of \(total), \(Int(rate)) a second\(left)\(notes)\u{1B}[K")
    }

    /// Takes the line away, so that other text can be printed.
    mutating func clear() {
        guard isThere else { return }
        write("\r\u{1B}[K")
        isThere = false
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    private static func text(seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
