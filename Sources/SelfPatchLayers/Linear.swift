import SelfPatchTensors

/// x W^T + b over the last dimension.
package struct Linear: Parameterized {
    /// `[out, in]`
    package let weight: Tensor
    /// `[out]`
    package let bias: Tensor

    package init(
        from inputWidth: Int, to outputWidth: Int, start: Start = .normal(Initializer.deviation),
        _ initializer: Initializer
    ) {
        weight = initializer.weight([outputWidth, inputWidth], start)
        bias = initializer.zeros([outputWidth])
    }

    /// `[..., in]` to `[..., out]`.
    package func callAsFunction(_ input: Tensor) -> Tensor { input.linear(weight, bias) }

    package var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}
