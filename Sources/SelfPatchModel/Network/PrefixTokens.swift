import SelfPatchLayers
import SelfPatchTensors

/// Learned tokens that stand before the patches: the class token, then registers. Networks of other origins have them.
///
/// They have no place in the image. Where an origin adds one all the same, the sum is what is learned here.
struct PrefixTokens: Parameterized {
    /// `[1, 1, width]`
    let classToken: Tensor?
    /// `[1, registers, width]`
    let registers: Tensor?

    /// Nil where the architecture has none.
    init?(_ architecture: Architecture, _ initializer: Initializer) {
        guard architecture.prefixCount > 0 else { return nil }
        classToken = architecture.hasClassToken ? initializer.normal([1, 1, architecture.width]) : nil
        registers =
            architecture.registerCount > 0
            ? initializer.normal([1, architecture.registerCount, architecture.width]) : nil
    }

    /// - Parameter patches: `[images, patches, width]`.
    /// - Returns: `[images, prefix + patches, width]`.
    func prepended(to patches: Tensor) -> Tensor {
        let tokens = [classToken, registers].compactMap { $0?.expanded(to: [patches.size(0), -1, -1]) }
        return Tensor.concatenated(tokens + [patches], dimension: 1)
    }

    var parameters: [NamedTensor] {
        [classToken.map { NamedTensor("cls_token", $0) }, registers.map { NamedTensor("reg_token", $0) }]
            .compactMap { $0 }
    }
}
