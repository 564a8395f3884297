import Foundation
import SelfPatchTraining

/// A line on a terminal that changes in place, with lines of the log scrolling by above it. Where standard error is no
/// terminal there is no such line, and the log's progress lines appear instead.
///
/// Everything goes to standard error; standard output stays free for results.
final class LiveLine {
    private let isTerminal: Bool
    private var shown = ""
    private var shownShort = ""
    private var lastUpdate: ContinuousClock.Instant?

    init() {
        let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
        isTerminal = isatty(STDERR_FILENO) == 1 && kind != "dumb"
    }

    /// Shows a new state, at most ten times a second.
    ///
    /// - Parameters:
    ///   - short: what to show where the terminal is too narrow for `text`.
    ///   - isLast: this state stays for a while, so it is shown however short ago the one before was.
    func update(_ text: String, short: String, isLast: Bool = false) {
        guard isTerminal else { return }
        shown = text
        shownShort = short
        let now = ContinuousClock.now
        if !isLast, let lastUpdate, now - lastUpdate < .milliseconds(100) { return }
        lastUpdate = now
        draw()
    }

    /// Prints a line that stays.
    func print(_ line: String, _ kind: RunLog.Kind) {
        if kind == .record || (kind == .progress && isTerminal) { return }
        write((isTerminal && !shown.isEmpty ? "\r\u{1B}[K" : "") + line + "\n")
        if isTerminal && !shown.isEmpty { draw() }
    }

    /// Takes the line away; the cursor stands at the start of an empty line.
    func clear() {
        guard isTerminal, !shown.isEmpty else { return }
        write("\r\u{1B}[K")
        shown = ""
    }

    /// Writes the line, cut to the terminal's width so that it never wraps.
    private func draw() {
        var size = winsize()
        let width = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        write("\r\((shown.count < width ? shown : shownShort).prefix(width - 1))\u{1B}[K")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
