import Foundation
import SelfPatchTensors

/// What the teacher's distributions and features look like at a step: the numbers that tell learning from collapse.
///
/// Entropies are in units of ln K. They are collected while the losses stream by, and only on the steps that are logged.
package final class Signs {
    private var image = Sums()
    private var patch = Sums()
    /// Of the first part of the batch.
    package private(set) var likeness: Likeness?

    package init() {}

    /// Looks at the teacher's features of one part of the batch.
    package func observe(_ targets: Targets) {
        if likeness == nil { likeness = Self.likeness(of: targets) }
    }

    /// - Parameter targets: `[2, images, K]`, once for each part of the batch.
    func observe(imageTargets targets: Tensor) {
        image.add(targets.reshaped(to: [targets.size(0) * targets.size(1), targets.size(2)]))
    }

    /// - Parameter targets: `[rows, K_p]`
    func observe(patchTargets targets: Tensor) { patch.add(targets) }

    /// What a head's distributions add up to as they stream by; on the device.
    private struct Sums {
        private var entropy: Tensor?
        private var targets: Tensor?
        private var rows = 0

        /// - Parameter targets: `[rows, K]`
        mutating func add(_ targets: Tensor) {
            let (entropy, sum) = (Signs.entropies(targets).sum(), targets.sum(over: 0))
            self.entropy = self.entropy.map { $0 + entropy } ?? entropy
            self.targets = self.targets.map { $0 + sum } ?? sum
            rows += targets.size(0)
        }

        func distribution(loss: Double) -> Distribution? {
            guard let entropy, let targets else { return nil }
            let unit = log(Double(targets.size(0)))
            let mean = entropy.item() / Double(rows) / unit
            let ofMean = Signs.entropies((targets * (1 / Double(rows))).unsqueezed(at: 0)).item() / unit
            return Distribution(entropy: mean, meanEntropy: ofMean, divergence: loss / unit - mean)
        }
    }

    /// -sum q ln q of each row.
    private static func entropies(_ q: Tensor) -> Tensor { -(q * q.maximum(1e-30).log()).sum(over: -1) }

    /// Of one loss: mean entropy of the teacher's distributions, entropy of their mean, and divergence (loss - entropy).
    package struct Distribution: Sendable {
        package let entropy: Double
        package let meanEntropy: Double
        package let divergence: Double

        package init(entropy: Double, meanEntropy: Double, divergence: Double) {
            self.entropy = entropy
            self.meanEntropy = meanEntropy
            self.divergence = divergence
        }

        /// What the teacher's output says about the image or patch: meanEntropy - entropy.
        package var information: Double { meanEntropy - entropy }
    }

    /// - Parameter loss: cross-entropy per target, the image loss or the patch loss.
    package func image(loss: Double) -> Distribution? { image.distribution(loss: loss) }
    package func patch(loss: Double) -> Distribution? { patch.distribution(loss: loss) }

    /// How alike features are.
    package struct Likeness: Sendable {
        /// Mean cosine between the summaries of different images, within each global view; nil where there is but one.
        package let images: Double?
        /// Mean cosine between different patches of one view; nil where there is but one.
        package let patches: Double?
        /// Share of the patches' variance that lies within images; SelfPatch's own collapse brings it down.
        package let varianceWithinImages: Double

        package init(images: Double?, patches: Double?, varianceWithinImages: Double) {
            self.images = images
            self.patches = patches
            self.varianceWithinImages = varianceWithinImages
        }
    }

    /// From the teacher's last tokens of the global views.
    static func likeness(of targets: Targets) -> Likeness {
        withoutGradients {
            func meanCosine(_ vectors: Tensor) -> Double? {  // [groups, n, width]: over pairs i != j of a group
                let (groups, n) = (Double(vectors.size(0)), Double(vectors.size(1)))
                guard n > 1 else { return nil }
                let sum = vectors.normalized().sum(over: 1).squared().sum().item()
                return (sum - groups * n) / (groups * n * (n - 1))
            }
            let tokens = targets.globalTokens
            let summaries = targets.globalSummaries.reshaped(to: [2, targets.images, tokens.size(2)])
            let centers = tokens.mean(over: 1, keeping: true)
            let within = (tokens - centers).squared().mean().item()
            let all = (tokens - tokens.mean(over: 0, 1, keeping: true)).squared().mean().item()
            return Likeness(
                images: meanCosine(summaries), patches: meanCosine(tokens),
                varianceWithinImages: all > 0 ? within / all : 0)
        }
    }
}
