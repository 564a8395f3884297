import Foundation
import SelfPatchTensors
import SelfPatchTraining

/// What `bench step` measured; medians over the steps.
struct StepMeasurement: Encodable {
    struct Step {
        let seconds: Double
        let parts: [StepClock.Part: Double]
        /// Empty where nothing was traced.
        let spans: [TraceSpan]
    }

    let size: String
    let batch: Int
    let accumulation: Int
    let localViews: Int
    let device: String
    let precision: String
    let threads: Int
    let viewsInTurn: Bool
    let checkpointActivations: Bool
    /// Of the process, or of the tensors on a GPU.
    let peakBytes: Int
    /// What a run with these sizes would say before it starts.
    let estimatedBytes: Int
    /// Of large tensors on the CPU, which is the same in every run.
    let peakTensorBytes: Int
    let secondsAStep: Double
    let fastest: Double
    let slowest: Double
    let imagesASecond: Double
    let parts: [String: Double]
    /// Nil where nothing was traced.
    let trace: StepTrace?

    init(
        size: String, batch: Int, accumulation: Int, localViews: Int, device: String, precision: String, threads: Int,
        viewsInTurn: Bool, checkpointActivations: Bool, peakBytes: Int,
        estimatedBytes: Int, isTraced: Bool, _ steps: [Step]
    ) {
        self.size = size
        self.batch = batch
        self.accumulation = accumulation
        self.localViews = localViews
        self.device = device
        self.precision = precision
        self.threads = threads
        self.viewsInTurn = viewsInTurn
        self.checkpointActivations = checkpointActivations
        self.peakBytes = peakBytes
        self.estimatedBytes = estimatedBytes
        peakTensorBytes = Libtorch.peakTensorBytes
        func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }
        let seconds = steps.map(\.seconds)
        secondsAStep = median(seconds)
        fastest = seconds.min() ?? 0
        slowest = seconds.max() ?? 0
        imagesASecond = Double(batch) / median(seconds)
        trace = isTraced ? StepTrace(steps.map { ($0.seconds, $0.spans) }) : nil
        parts = Dictionary(
            uniqueKeysWithValues: StepClock.Part.allCases.map { part in
                (part.rawValue, median(steps.map { $0.parts[part] ?? 0 }))
            })
    }

    var text: String {
        let rows = StepClock.Part.allCases.map { part in
            let seconds = parts[part.rawValue] ?? 0
            return "  \(part.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0))"
                + String(format: "%8.3f s %5.1f %%", seconds, 100 * seconds / secondsAStep)
        }
        return """
            vit-\(size), batch \(batch)\(accumulation > 1 ? " in \(accumulation) parts" : ""), 2 global and \(localViews) local views, \(precision), \(device), \(threads) threads\
            \(viewsInTurn ? ", views in turn" : "")\(checkpointActivations ? ", activations checkpointed" : "")
              step      \(String(format: "%8.3f s  (%.3f to %.3f)", secondsAStep, fastest, slowest))
            \(rows.joined(separator: "\n"))
              \(String(format: "%.2f images/s, peak %.2f GB, estimated %.2f GB", imagesASecond, Double(peakBytes) / 1e9, Double(estimatedBytes) / 1e9))\
            \(trace.map { "\n\n" + $0.text } ?? "")
            """
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
