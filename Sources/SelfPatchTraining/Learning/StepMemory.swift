import Foundation
import SelfPatchData
import SelfPatchModel
import SelfPatchTensors

/// How much memory a run takes at the peak of a step, by arithmetic on its settings.
///
/// Counted are the tensors of a step in float32 on a CPU, where a test holds the sum to what is measured; in bf16 it is less.
package struct StepMemory: Sendable, Equatable {
    /// Weights of student and teacher, moments, and what the heads hold beside them, whatever the batch.
    package let fixed: Double
    /// What the backward needs of the views that are taken together.
    package let activations: Double
    /// Views that wait, as the loader makes them.
    package let views: Double

    /// libtorch itself and what else a process is, as measured on a CPU.
    package static let program = 0.45e9

    /// Bytes.
    package var bytes: Double { fixed + activations + views + Self.program }

    /// - Parameter student: of the settings' sizes, with all its heads.
    package init(_ settings: PretrainSettings, student: Network) {
        let parameters = student.parameters.reduce(0) { $0 + $1.tensor.count }
        let number = 4.0
        let heads = settings.heads
        let hasPatches = settings.objective.hasPatchLoss
        let prototypes = Double(heads.bottleneck * (heads.imagePrototypes + (hasPatches ? heads.patchPrototypes : 0)))
        // Student, teacher and two moments; the prototypes at length one for both and their gradient; two pieces of patch logits.
        // When views come in turn, gradients of the first are there while the next is taken.
        let copies = settings.schedule.viewsInTurn || settings.schedule.accumulation > 1 ? 5.0 : 4.0
        let (views, schedule) = (settings.views, settings.schedule)
        let images = Double((schedule.batchSize + schedule.accumulation - 1) / schedule.accumulation)
        let globals = Double(views.globalCount * settings.globalGrid.count)
        let locals = Double(views.localCount * settings.localGrid.count)
        let together = schedule.viewsInTurn ? Double(settings.globalGrid.count) : globals + locals
        // In place on a CPU; elsewhere by operations, each with a result of its own.
        let piece = min(
            Double(StreamedCrossEntropy.pieceElements(on: student.device)),
            images * together * Double(heads.patchPrototypes))
        let pieces = hasPatches ? (student.device == .cpu ? 2 : 6) * piece : 0
        fixed = number * (copies * Double(parameters) + 3 * prototypes + pieces)

        let viewsTogether = schedule.viewsInTurn ? 1.0 : Double(views.globalCount + views.localCount)
        activations =
            number * images
            * (together * Self.numbersAToken(settings) + viewsTogether * Self.numbersAnImageHead(heads))

        let pixels = views.globalCount * views.globalSize.pixels + views.localCount * views.localSize.pixels
        let waiting = Double((schedule.accumulation + 1) * views.channels * pixels) * images
        self.views = waiting + number * Double(views.channels * pixels) * images
    }

    /// What to say of a run with these settings before it starts.
    ///
    /// - Parameter free: bytes that could be had before the networks were made.
    package static func sentence(_ settings: PretrainSettings, student: Network, free: Double) -> String {
        let needed = StepMemory(settings, student: student).bytes
        let sizes = "A step takes about \(size(needed)) of memory at its peak, \(size(free)) are free."
        guard needed > free else { return sizes }
        var ways: [String] = []
        func tryOut(_ setting: String, _ change: (inout PretrainSettings) -> Void) {
            var other = settings
            change(&other)
            let bytes = StepMemory(other, student: student).bytes
            if bytes < needed { ways.append("\(setting) takes about \(size(bytes))") }
        }
        tryOut("schedule.checkpointActivations=true") { $0.schedule.checkpointActivations = true }
        tryOut("schedule.viewsInTurn=true") { $0.schedule.viewsInTurn = true }
        let parts = min(4 * settings.schedule.accumulation, settings.schedule.batchSize)
        tryOut("schedule.accumulation=\(parts)") { $0.schedule.accumulation = parts }
        let advice = ways.isEmpty ? "" : " The same numbers for less: \(ways.joined(separator: ", "))."
        return "\(sizes) It may not fit.\(advice) `--batch auto` measures what fits."
    }

    package static func size(_ bytes: Double) -> String {
        bytes < 1e9 ? String(format: "%.0f MB", bytes / 1e6) : String(format: "%.1f GB", bytes / 1e9)
    }

    /// Numbers that are kept for each patch.
    private static func numbersAToken(_ settings: PretrainSettings) -> Double {
        let model = settings.model
        let width = Double(model.width)
        let hidden = Double(model.hiddenWidth)
        // Two sums, two norms, three of attention and its result; before and behind the activation of the MLP.
        let block = 8 * width + 2 * hidden
        let blocks =
            settings.schedule.checkpointActivations
            ? Double(model.depth) * width + block : Double(model.depth) * block
        let aggregation = 8 * width
        let heads = settings.heads
        let patchHead =
            settings.objective.hasPatchLoss ? 4 * Double(heads.hiddenWidth) + 2 * Double(heads.bottleneck) : 0
        return blocks + aggregation + patchHead
    }

    /// Numbers that are kept for each view's summary.
    private static func numbersAnImageHead(_ heads: HeadSizes) -> Double {
        4 * Double(heads.hiddenWidth) + 2 * Double(heads.bottleneck) + 3 * Double(heads.imagePrototypes)
    }
}

extension Device {
    /// Bytes that could be had on this device now.
    package var freeBytes: Int {
        if case .cuda(let index) = self { return CUDA.memory(of: index).free }
        return SystemMemory.now().available
    }
}
