import SelfPatchFormats
import SelfPatchTensors

/// Named tensors, whatever container holds them.
package protocol TensorSource {
    var path: String { get }
    /// In the file's order, with names of their own.
    var storedTensors: [StoredTensor] { get }
}

/// A tensor that lies in a file: what is known without reading it, and how to read it.
public struct StoredTensor {
    /// As it may be printed: see `PrintableName`. Names that mean something are as they were.
    public let name: String
    public let elementType: SafetensorsFile.ElementType
    public let shape: [Int]
    /// What messages say of where it lies.
    let path: String
    let read: () throws -> Tensor

    /// Its values as float32.
    ///
    /// - Throws: `UserError` where the file is damaged, or where the values are no numbers.
    public func load() throws -> Tensor {
        let values = try read().cast(to: .float32)
        guard values.isFinite else {
            throw UserError(
                "Cannot use \(path): \(name) holds values that are no numbers. The file is damaged, or training had diverged."
            )
        }
        return values
    }
}

extension SafetensorsFile.ElementType {
    /// Whether weights may be stored so.
    var isReal: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        case .i64, .i32, .i16, .i8, .u8, .bool: false
        }
    }
}

extension SafetensorsFile: TensorSource {
    package var storedTensors: [StoredTensor] {
        entries.map { entry in
            StoredTensor(
                name: PrintableName.of(entry.name), elementType: entry.elementType, shape: entry.shape, path: path
            ) {
                Tensor.load(entry, from: self)
            }
        }
    }
}

extension PyTorchFile: TensorSource {
    package var storedTensors: [StoredTensor] {
        entries.map { entry in
            let tensor = entry.tensor
            return StoredTensor(
                name: PrintableName.of(entry.name), elementType: tensor.elementType, shape: tensor.shape, path: path
            ) {
                try self.withContiguousBytes(of: tensor) {
                    SelfPatchTensors.Tensor($0, type: tensor.elementType.inMemory, shape: tensor.shape)
                }
            }
        }
    }
}
