import Foundation
import SelfPatchTraining

/// One line on a terminal that says how far a long task of known length has come.
struct ProgressLine {
    private let title: String
    private let total: Int
    private let line = LiveLine()
    private let start = ContinuousClock.now
    private var done = 0

    init(title: String, total: Int) {
        self.title = title
        self.total = total
    }

    /// One more is done.
    mutating func advance(note: String = "") { advance(to: done + 1, note: note) }

    /// So many are done.
    mutating func advance(to count: Int, note: String = "") {
        done = count
        let share = Double(done) / Double(max(total, 1))
        let width = 24
        let filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = seconds > 0 ? Double(done) / seconds : 0
        let left = rate > 0 ? ", \(RunProgress.duration(Double(total - done) / rate)) left" : ""
        let notes = note.isEmpty ? "" : ", " + note
        let short = "\(title) [\(bar)] \(done) of \(total)"
        line.update("\(short), \(Int(rate)) a second\(left)\(notes)", short: short + notes, isLast: done == total)
    }

    /// Takes the line away, so that other text can be printed.
    func clear() { line.clear() }
}
