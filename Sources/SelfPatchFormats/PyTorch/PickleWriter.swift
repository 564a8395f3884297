/// Writes the one pickle that ``PyTorchWriter`` needs, in protocol 2: a dictionary of tensors.
struct PickleWriter {
    private var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
    /// Numbers under which names of functions and classes are remembered, so that each is spelt out once.
    private var memo: [String: UInt8] = [:]

    /// `{name: tensor, ...}`; tensor number n lies in the storage with the key n, all of it, row-major.
    static func stateDictionary(_ items: [SafetensorsWriter.Item]) -> [UInt8] {
        var writer = PickleWriter()
        writer.write(.emptyDictionary)
        writer.write(.mark)
        for (index, item) in items.enumerated() {
            writer.write(item.name)
            writer.writeTensor(item, storage: index)
        }
        writer.write(.setItems)
        writer.write(.stop)
        return writer.bytes
    }

    /// `_rebuild_tensor_v2(storage, 0, sizes, strides, False, OrderedDict())`.
    private mutating func writeTensor(_ item: SafetensorsWriter.Item, storage: Int) {
        var strides = [Int](repeating: 1, count: item.shape.count)
        for dimension in item.shape.indices.dropLast().reversed() {
            // As PyTorch counts them: an empty dimension does not make the others' strides 0.
            strides[dimension] = strides[dimension + 1] * max(item.shape[dimension + 1], 1)
        }
        writeGlobal("torch._utils", "_rebuild_tensor_v2")
        write(.mark)
        write(.mark)
        write("storage")
        writeGlobal("torch", Self.storageName(item.elementType))
        write(String(storage))
        write("cpu")
        write(item.shape.reduce(1, *))
        write(.tuple)
        write(.binaryPersistentID)
        write(0)
        write(item.shape)
        write(strides)
        write(.newFalse)
        writeGlobal("collections", "OrderedDict")
        write(.emptyTuple)
        write(.reduce)
        write(.tuple)
        write(.reduce)
    }

    private static func storageName(_ type: SafetensorsFile.ElementType) -> String {
        switch type {
        case .f64: "DoubleStorage"
        case .f32: "FloatStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .i64: "LongStorage"
        case .i32: "IntStorage"
        case .i16: "ShortStorage"
        case .i8: "CharStorage"
        case .u8: "ByteStorage"
        case .bool: "BoolStorage"
        }
    }

    private mutating func write(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

    private mutating func writeNumber<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    private mutating func write(_ text: String) {
        write(.binaryUnicode)
        writeNumber(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func write(_ values: [Int]) {
        write(.mark)
        for value in values { write(value) }
        write(.tuple)
    }

    /// An integer that is not negative.
    private mutating func write(_ value: Int) {
        if let small = UInt8(exactly: value) {
            write(.binaryInt1)
            bytes.append(small)
        } else if let middling = Int32(exactly: value) {
            write(.binaryInt)
            writeNumber(middling)
        } else {
            write(.long1)
            bytes.append(8)
            writeNumber(Int64(value))
        }
    }

    private mutating func writeGlobal(_ module: String, _ name: String) {
        let line = "\(module)\n\(name)\n"
        if let number = memo[line] {
            write(.get)
            bytes.append(number)
        } else {
            write(.global)
            bytes += line.utf8
            write(.put)
            let number = UInt8(memo.count)  // A dozen at most: the types of storages and two functions.
            bytes.append(number)
            memo[line] = number
        }
    }
}
