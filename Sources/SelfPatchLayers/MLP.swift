import SelfPatchTensors

/// Two linear maps with the exact GELU between them.
public struct MLP: Parameterized {
    public let expand: Linear
    public let contract: Linear

    public init(width: Int, hiddenWidth: Int, _ initializer: Initializer) {
        expand = Linear(from: width, to: hiddenWidth, initializer)
        contract = Linear(from: hiddenWidth, to: width, initializer)
    }

    /// `[..., width]`, and so is the result.
    public func callAsFunction(_ input: Tensor) -> Tensor { contract(expand(input).gelu()) }

    public var parameters: [NamedTensor] { expand.parameters(of: "fc1") + contract.parameters(of: "fc2") }
}
