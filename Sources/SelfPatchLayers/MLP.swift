import SelfPatchTensors

/// Two linear maps with the exact GELU between them.
package struct MLP: Parameterized {
    package let expand: Linear
    package let contract: Linear

    package init(width: Int, hiddenWidth: Int, _ initializer: Initializer) {
        expand = Linear(from: width, to: hiddenWidth, initializer)
        contract = Linear(from: hiddenWidth, to: width, initializer)
    }

    /// `[..., width]`, and so is the result.
    package func callAsFunction(_ input: Tensor) -> Tensor { traced("MLP") { contract(expand(input).gelu()) } }

    package var parameters: [NamedTensor] { expand.parameters(of: "fc1") + contract.parameters(of: "fc2") }
}
