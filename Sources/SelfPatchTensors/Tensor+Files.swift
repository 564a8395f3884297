import CSelfPatchTorch
import SelfPatchFormats

extension Tensor {
    /// A tensor of a safetensors file, copied into aligned memory of its own on the CPU: where numbers lie in memory can
    /// decide their products' last bits.
    public static func load(_ entry: SafetensorsFile.Entry, from file: SafetensorsFile) -> Tensor {
        file.withBytes(of: entry) { Tensor($0, type: entry.elementType.inMemory, shape: entry.shape) }
    }
}

extension SafetensorsFile {
    /// Every tensor by its name.
    public func tensors() -> [String: Tensor] {
        Dictionary(uniqueKeysWithValues: entries.map { ($0.name, Tensor.load($0, from: self)) })
    }
}

extension SafetensorsWriter.Item {
    /// A tensor to be written; its bytes are fetched from its device when its turn comes.
    public init(name: String, tensor: Tensor) {
        self.init(name: name, elementType: .init(tensor.elementType), shape: tensor.shape) { body in
            try tensor.withBytes(body)
        }
    }
}
