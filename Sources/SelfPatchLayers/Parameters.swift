import SelfPatchTensors

/// A tensor and what it is called in weights files.
public struct NamedTensor {
    public let name: String
    public let tensor: Tensor

    public init(_ name: String, _ tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}

/// Something with learned tensors, which it lists by name, in a fixed order.
package protocol Parameterized {
    var parameters: [NamedTensor] { get }
}

extension Parameterized {
    /// Its parameters as a part of something larger: `attn.qkv.weight` for the part `attn`.
    package func parameters(of part: String) -> [NamedTensor] {
        parameters.map { NamedTensor("\(part).\($0.name)", $0.tensor) }
    }
}

/// Something that keeps tensors beside its learned ones, such as the running statistics of batch norms.
package protocol Buffered: Parameterized {
    /// By name, in a fixed order; no gradient moves them.
    var buffers: [NamedTensor] { get }
}

extension Buffered {
    package var buffers: [NamedTensor] { [] }

    /// Its buffers as a part of something larger.
    package func buffers(of part: String) -> [NamedTensor] {
        buffers.map { NamedTensor("\(part).\($0.name)", $0.tensor) }
    }
}
