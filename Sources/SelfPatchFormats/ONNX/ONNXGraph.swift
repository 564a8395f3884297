import Foundation
import SwiftProtobuf

/// An ONNX model, put together operator by operator; of opset 17, which what runs ONNX has known since 2022.
///
/// Values are known by their names. An operator's result is called like the operator, so that a graph's names tell the
/// network's parts.
package struct ONNXGraph {
    package typealias Value = String

    /// Sizes of a tensor that goes in or comes out.
    package enum Size {
        case fixed(Int)
        /// Any size; equal names are equal sizes.
        case any(String)
    }

    package enum Attribute {
        case int(Int)
        case ints([Int])
        case float(Float)
    }

    /// Elements that models of ours are made of.
    package enum ElementType: Int32 {
        case float32 = 1
        case int64 = 7
        case float16 = 10
    }

    private var graph = Selfpatch_Onnx_GraphProto()
    private var names: Set<String> = []

    package init(name: String) { graph.name = name }

    /// The names of all operators, in their order.
    package var operators: [String] { graph.node.map(\.opType) }

    package mutating func input(_ name: String, _ type: ElementType, _ sizes: [Size]) -> Value {
        graph.input.append(Self.info(claimed(name), type, sizes))
        return name
    }

    package mutating func output(_ value: Value, _ type: ElementType, _ sizes: [Size]) {
        precondition(names.contains(value), "an output that nothing gives: \(value)")
        graph.output.append(Self.info(value, type, sizes))
    }

    /// A constant, as row-major, little-endian bytes.
    package mutating func constant(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: Data) -> Value {
        var tensor = Selfpatch_Onnx_TensorProto()
        tensor.name = claimed(name)
        tensor.dims = shape.map(Int64.init)
        tensor.dataType = type.rawValue
        tensor.rawData = bytes
        graph.initializer.append(tensor)
        return name
    }

    package mutating func constant(_ name: String, _ values: [Int]) -> Value {
        let bytes = values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) }
        return constant(name, .int64, [values.count], bytes)
    }

    /// A number without dimensions, which goes with every shape.
    package mutating func constant(_ name: String, _ value: Float) -> Value {
        let bytes = withUnsafeBytes(of: value.bitPattern.littleEndian) { Data($0) }
        return constant(name, .float32, [], bytes)
    }

    /// An operator of the standard set.
    ///
    /// - Parameters:
    ///   - operation: ONNX's name for it.
    ///   - name: the operator's own name, and that of its result.
    package mutating func add(
        _ operation: String, _ inputs: [Value], _ attributes: [(String, Attribute)] = [], name: String
    ) -> Value {
        add(operation, inputs, attributes, names: [name])[0]
    }

    /// The same for operators with several results, each with a name of its own.
    package mutating func add(
        _ operation: String, _ inputs: [Value], _ attributes: [(String, Attribute)] = [], names outputs: [String]
    ) -> [Value] {
        for input in inputs { precondition(names.contains(input), "\(outputs): nothing gives \(input)") }
        var node = Selfpatch_Onnx_NodeProto()
        node.opType = operation
        node.name = outputs[0]
        node.input = inputs
        node.output = outputs.map { claimed($0) }
        node.attribute = attributes.map { name, value in
            var attribute = Selfpatch_Onnx_AttributeProto()
            attribute.name = name
            switch value {
            case .int(let number):
                attribute.type = .int
                attribute.i = Int64(number)
            case .ints(let numbers):
                attribute.type = .ints
                attribute.ints = numbers.map(Int64.init)
            case .float(let number):
                attribute.type = .float
                attribute.f = number
            }
            return attribute
        }
        graph.node.append(node)
        return outputs
    }

    /// Writes the model, whole or not at all; the same graph and metadata give the same bytes.
    ///
    /// - Throws: `UserError` that names the file and the reason, also where the model is too large for one file.
    package func write(metadata: [String: String], to path: String) throws {
        var model = Selfpatch_Onnx_ModelProto()
        model.irVersion = 8  // The first that knows opset 17: older programs refuse newer ones.
        model.producerName = "selfpatch"
        model.graph = graph
        var operators = Selfpatch_Onnx_OperatorSetIdProto()
        operators.domain = ""
        operators.version = 17
        model.opsetImport = [operators]
        model.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
            var entry = Selfpatch_Onnx_StringStringEntryProto()
            entry.key = key
            entry.value = value
            return entry
        }
        let weights = graph.initializer.reduce(0) { $0 + $1.rawData.count }
        guard weights < 2_000_000_000 else {
            throw UserError(
                "Cannot write \(path): the model has \(weights) bytes of weights, and a file of ONNX holds less than 2 GB. "
                    + "--type float16 halves it.")
        }
        let bytes: Data
        do {
            bytes = try model.serializedData()
        } catch {
            throw UserError("Cannot write \(path): the model cannot be encoded (\(error)).")
        }
        try AtomicFile.write(bytes, to: path)
    }

    private mutating func claimed(_ name: String) -> String {
        precondition(names.insert(name).inserted, "two values called \(name)")
        return name
    }

    private static func info(
        _ name: String, _ type: ElementType, _ sizes: [Size]
    ) -> Selfpatch_Onnx_ValueInfoProto {
        var info = Selfpatch_Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = type.rawValue
        info.type.tensorType.shape.dim = sizes.map { size in
            var dimension = Selfpatch_Onnx_TensorShapeProto.Dimension()
            switch size {
            case .fixed(let number): dimension.dimValue = Int64(number)
            case .any(let name): dimension.dimParam = name
            }
            return dimension
        }
        return info
    }
}
