import SelfPatchTensors

/// x W^T + b over the last dimension.
public struct Linear: Parameterized {
    /// `[out, in]`
    public let weight: Tensor
    /// `[out]`
    public let bias: Tensor

    public init(from inputWidth: Int, to outputWidth: Int, _ initializer: Initializer) {
        weight = initializer.normal([outputWidth, inputWidth])
        bias = initializer.zeros([outputWidth])
    }

    /// `[..., in]` to `[..., out]`.
    public func callAsFunction(_ input: Tensor) -> Tensor { input.linear(weight, bias) }

    public var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}
