import Foundation
import SelfPatchTensors

/// What the teacher's distributions and features look like at a step: the numbers that tell learning from collapse.
///
/// Entropies are in units of ln K. They are collected while the losses stream by, and only on the steps that are logged.
package final class Signs {
    private var imageTargets: [Tensor] = []
    private var patchEntropy: Tensor?
    private var patchSum: Tensor?
    private var patchRows = 0
    /// Of the first part of the batch.
    package private(set) var likeness: Likeness?

    package init() {}

    /// Looks at the teacher's features of one part of the batch.
    package func observe(_ targets: Targets) {
        if likeness == nil { likeness = Self.likeness(of: targets) }
    }

    func observe(imageTargets targets: Tensor) {
        imageTargets.append(targets.reshaped(to: [targets.size(0) * targets.size(1), targets.size(2)]))
    }

    func observe(patchTargets targets: Tensor) {
        let entropy = Self.entropies(targets).sum()
        let sum = targets.sum(over: 0)
        patchEntropy = patchEntropy.map { $0 + entropy } ?? entropy
        patchSum = patchSum.map { $0 + sum } ?? sum
        patchRows += targets.size(0)
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
    package func image(loss: Double) -> Distribution? {
        guard !imageTargets.isEmpty else { return nil }
        let all = Tensor.concatenated(imageTargets)
        let unit = log(Double(all.size(1)))
        let entropy = Self.entropies(all).mean().item() / unit
        let mean = Self.entropies(all.mean(over: 0, keeping: true)).item() / unit
        return Distribution(entropy: entropy, meanEntropy: mean, divergence: loss / unit - entropy)
    }

    package func patch(loss: Double) -> Distribution? {
        guard let patchEntropy, let patchSum, patchRows > 0 else { return nil }
        let unit = log(Double(patchSum.size(0)))
        let entropy = patchEntropy.item() / Double(patchRows) / unit
        let mean = Self.entropies((patchSum * (1 / Double(patchRows))).unsqueezed(at: 0)).item() / unit
        return Distribution(entropy: entropy, meanEntropy: mean, divergence: loss / unit - entropy)
    }

    /// How alike features are.
    package struct Likeness: Sendable {
        /// Mean cosine between the summaries of different images, within each global view.
        package let images: Double
        /// Mean cosine between different patches of one view.
        package let patches: Double
        /// Share of the patches' variance that lies within images; SelfPatch's own collapse brings it down.
        package let varianceWithinImages: Double

        package init(images: Double, patches: Double, varianceWithinImages: Double) {
            self.images = images
            self.patches = patches
            self.varianceWithinImages = varianceWithinImages
        }
    }

    /// From the teacher's last tokens of the global views.
    static func likeness(of targets: Targets) -> Likeness {
        withoutGradients {
            func meanCosine(_ vectors: Tensor) -> Double {  // [groups, n, width]: over pairs i != j of a group
                let (groups, n) = (Double(vectors.size(0)), Double(vectors.size(1)))
                guard n > 1 else { return 1 }
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
