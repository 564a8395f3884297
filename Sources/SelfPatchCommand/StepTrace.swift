import Foundation
import SelfPatchTensors
import SelfPatchTraining

/// Where the time of training steps goes, by part of the step and kind of layer; means over the steps, so that all rows and the rest
/// add up to a step.
///
/// Time belongs to the innermost span: the MLP of the aggregation module is among the MLPs. A node of the backward belongs to the kind of
/// layer whose forward it is the backward of; what computes activations again is part of the backward.
struct StepTrace: Encodable {
    struct Row: Encodable {
        let part: String
        /// "other": what no layer of a name of its own does; in the backward, adding gradients up as well.
        let kind: String
        var seconds: Double
    }

    let secondsAStep: Double
    /// In the order of a step; the kinds of a part by their time.
    let rows: [Row]
    /// Of a step, between the parts.
    let rest: Double

    /// - Parameter steps: wall seconds and spans of each.
    init(_ steps: [(seconds: Double, spans: [TraceSpan])]) {
        var sums: [String: [String: Double]] = [:]
        for span in steps.flatMap({ Self.own($0.spans) }) {
            sums[span.part, default: [:]][span.kind, default: 0] += span.seconds / Double(steps.count)
        }
        rows = StepClock.Part.allCases.flatMap { part in
            (sums[part.rawValue] ?? [:]).map { Row(part: part.rawValue, kind: $0.key, seconds: $0.value) }
                .sorted { ($0.seconds, $1.kind) > ($1.seconds, $0.kind) }
        }
        secondsAStep = steps.map(\.seconds).reduce(0, +) / Double(steps.count)
        rest = secondsAStep - rows.map(\.seconds).reduce(0, +)
    }

    /// Each span without the spans within it.
    private static func own(_ spans: [TraceSpan]) -> [(part: String, kind: String, seconds: Double)] {
        var path: [(place: Int, kind: String)] = []
        var result: [(part: String, kind: String, seconds: Double)] = []
        for span in spans {
            path.removeLast(path.count - span.depth)
            if let outer = path.last { result[outer.place].seconds -= span.seconds }
            // Spans of a part, and nodes made by what a part does itself, are of no layer.
            let kind = span.name.flatMap { StepClock.Part(rawValue: $0) == nil ? $0 : nil } ?? "other"
            path.append((result.count, kind))
            result.append((path.count == 1 ? span.name ?? "" : result[path[0].place].part, kind, span.seconds))
        }
        return result
    }

    var text: String {
        var table = TextTable(["part", "kind of layer", "seconds", "% of the step"])
        func add(_ part: String, _ kind: String, _ seconds: Double) {
            table.add(part, kind, String(format: "%.4f", seconds), percent(100 * seconds / secondsAStep))
        }
        for part in StepClock.Part.allCases {
            let rows = rows.filter { $0.part == part.rawValue }
            guard !rows.isEmpty else { continue }
            add(part.rawValue, "", rows.map(\.seconds).reduce(0, +))
            if rows.count > 1 { for row in rows { add("", row.kind, row.seconds) } }
        }
        add("between the parts", "", rest)
        add("step", "", secondsAStep)
        return table.text
    }
}

/// A trace as Chrome's `chrome://tracing` and Perfetto read it.
///
/// Source: Trace Event Format, complete events; times in microseconds.
struct ChromeTrace: Encodable {
    private struct Event: Encodable {
        let name: String
        let cat: String
        let ph = "X"
        let pid = 0
        let tid = 0
        let ts, dur: Double
    }

    private let traceEvents: [Event]

    init(_ spans: [TraceSpan]) {
        let start = spans.first?.begin ?? 0
        traceEvents = spans.map {
            Event(
                name: $0.node ?? $0.name ?? "", cat: $0.name ?? "other", ts: Double($0.begin - start) * 1e-3,
                dur: $0.seconds * 1e6)
        }
    }
}
