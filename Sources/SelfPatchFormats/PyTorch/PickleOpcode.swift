/// The instructions that the reader obeys; everything else is refused: text forms of the oldest protocols, the ones that
/// call without naming what (INST, OBJ, NEWOBJ_EX), extension codes, persistent ids in text, and buffers outside the file.
enum PickleOpcode: UInt8 {
    case mark = 0x28
    case stop = 0x2E
    case pop = 0x30
    case popMark = 0x31
    case duplicate = 0x32
    case binaryFloat = 0x47
    case binaryInt = 0x4A
    case binaryInt1 = 0x4B
    case binaryInt2 = 0x4D
    case none = 0x4E
    case binaryPersistentID = 0x51
    case reduce = 0x52
    case binaryString = 0x54
    case shortBinaryString = 0x55
    case binaryUnicode = 0x58
    case emptyList = 0x5D
    case append = 0x61
    case build = 0x62
    case global = 0x63
    case appends = 0x65
    case get = 0x68
    case longGet = 0x6A
    case put = 0x71
    case longPut = 0x72
    case setItem = 0x73
    case tuple = 0x74
    case setItems = 0x75
    case emptyDictionary = 0x7D
    case emptyTuple = 0x29
    case proto = 0x80
    case newObject = 0x81
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long1 = 0x8A
    case long4 = 0x8B
    case binaryBytes = 0x42
    case shortBinaryBytes = 0x43
    case shortBinaryUnicode = 0x8C
    case binaryUnicode8 = 0x8D
    case binaryBytes8 = 0x8E
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95
    case byteArray8 = 0x96
}

extension PickleReader {
    /// Longest name of a module or class; names are compared with a short table.
    private static let longestName = 256
    /// Longest integer, in bytes.
    private static let longestInteger = 1024

    mutating func obey(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .proto: throw broken("states its protocol twice")
        case .stop: preconditionFailure("the caller stops")
        case .frame:
            let length = try cursor.number(UInt64.self)
            guard length <= UInt64(cursor.remaining) else {
                throw FileRefusal(
                    .truncated, "its pickle has a frame of \(length) bytes, where \(cursor.remaining) follow")
            }

        case .mark:
            try spend(1)
            marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .duplicate:
            try spend(1)
            stack.append(try top())
        case .get: try recall(UInt32(try cursor.number(UInt8.self)))
        case .longGet: try recall(try cursor.number(UInt32.self))
        case .put: try remember(UInt32(try cursor.number(UInt8.self)))
        case .longPut: try remember(try cursor.number(UInt32.self))
        case .memoize: try remember(UInt32(memo.count))

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binaryInt: try push(.int(Int(try cursor.number(Int32.self))))
        case .binaryInt1: try push(.int(Int(try cursor.number(UInt8.self))))
        case .binaryInt2: try push(.int(Int(try cursor.number(UInt16.self))))
        case .long1: try push(Self.integer(try cursor.take(Int(try cursor.number(UInt8.self)))))
        case .long4: try push(Self.integer(try take(Int(try cursor.number(Int32.self)), atMost: Self.longestInteger)))
        case .binaryFloat: try push(.double(Double(bitPattern: try cursor.number(UInt64.self).byteSwapped)))
        case .shortBinaryUnicode: try push(.string(try text(Int(try cursor.number(UInt8.self)))))
        case .binaryUnicode: try push(.string(try text(Int(try cursor.number(UInt32.self)))))
        case .binaryUnicode8: try push(.string(try text(try longLength())))
        case .shortBinaryString: try pushString(Int(try cursor.number(UInt8.self)))
        case .binaryString: try pushString(Int(try cursor.number(Int32.self)))
        case .shortBinaryBytes: try push(.bytes(Array(try cursor.take(Int(try cursor.number(UInt8.self))))))
        case .binaryBytes: try push(.bytes(Array(try take(Int(try cursor.number(UInt32.self))))))
        case .binaryBytes8, .byteArray8: try push(.bytes(Array(try take(try longLength()))))

        case .emptyTuple: try push(.tuple([]))
        case .tuple: try push(.tuple(try popToMark()))
        case .tuple1: try push(.tuple([try pop()]))
        case .tuple2:
            let second = try pop()
            try push(.tuple([try pop(), second]))
        case .tuple3:
            let third = try pop()
            let second = try pop()
            try push(.tuple([try pop(), second, third]))
        case .emptyList: try push(.list([]))
        case .emptyDictionary: try push(.dictionary([]))
        case .emptySet: try push(.set([]))
        case .frozenSet: try push(.set(try popToMark()))
        case .append: try extend(.list, with: [try pop()])
        case .appends: try extend(.list, with: try popToMark())
        case .addItems: try extend(.set, with: try popToMark())
        case .setItem:
            let value = try pop()
            try extend(.dictionary, with: [try pop(), value])
        case .setItems: try extend(.dictionary, with: try popToMark())

        case .global: try pushGlobal(module: try line(), name: try line())
        case .stackGlobal:
            guard case .string(let name) = node(try pop()), case .string(let module) = node(try pop()) else {
                throw broken("names a class by something that is no text")
            }
            try pushGlobal(module: module, name: name)
        case .reduce:
            let arguments = try pop()
            stack.append(try reduce(try pop(), arguments))
        case .newObject:
            let arguments = try pop()
            stack.append(try newObject(try pop(), arguments))
        case .build:
            let state = try pop()
            try build(try top(), state)
        case .binaryPersistentID: try push(.storage(try storage(try pop())))
        }
    }

    private enum Container { case list, dictionary, set }

    /// Adds to the container on top of the stack.
    private mutating func extend(_ container: Container, with items: [Handle]) throws {
        let place = Int(try top())
        let node = nodes[place]
        nodes[place] = .none  // So that the array has one owner and grows in place.
        switch (container, node) {
        case (.list, .list(var values)):
            values += items
            nodes[place] = .list(values)
        case (.set, .set(var values)):
            values += items
            nodes[place] = .set(values)
        case (.dictionary, .dictionary(var values)):
            guard items.count.isMultiple(of: 2) else { throw broken("has a key without a value") }
            values += items
            nodes[place] = .dictionary(values)
        default: throw broken("puts values into something that is no \(container)")
        }
    }

    private mutating func remember(_ number: UInt32) throws {
        try spend(1)
        memo[number] = try top()
    }

    private mutating func recall(_ number: UInt32) throws {
        guard let handle = memo[number] else { throw broken("refers to value \(number), which it never stored") }
        try spend(1)
        stack.append(handle)
    }

    private mutating func pushGlobal(module: String, name: String) throws {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw FileRefusal(
                .forbiddenGlobal,
                "its pickle asks for \(quoted(module + "." + name)), which is not known here: dense tensors, plain values "
                    + "and a few inert classes are read. Loaded in Python, such a file may run anything; here nothing "
                    + "was run. If you trust where it comes from, load it there and save its tensors alone (a state "
                    + "dict)")
        }
        try push(.global(global))
    }

    private mutating func line() throws -> String {
        guard let text = String(validating: try cursor.line(atMost: Self.longestName), as: UTF8.self) else {
            throw broken("has a name that is not UTF-8")
        }
        return text
    }

    private mutating func take(_ count: Int, atMost limit: Int = .max) throws -> UnsafeRawBufferPointer {
        guard count >= 0 else { throw broken("has something of \(count) bytes") }
        let bytes = try cursor.take(count)
        guard count <= limit else { throw FileRefusal(.tooLarge, "its pickle has an integer of \(count) bytes") }
        return bytes
    }

    private mutating func text(_ count: Int) throws -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw broken("has text that is not UTF-8")
        }
        return text
    }

    /// Python 2's strings: text where they are, else bytes.
    private mutating func pushString(_ count: Int) throws {
        let bytes = try take(count)
        if let text = String(validating: bytes, as: UTF8.self) {
            try push(.string(text))
        } else {
            try push(.bytes(Array(bytes)))
        }
    }

    private mutating func longLength() throws -> Int {
        let length = try cursor.number(UInt64.self)
        guard let count = Int(exactly: length) else {
            throw FileRefusal(.tooLarge, "its pickle has something of \(length) bytes")
        }
        return count
    }

    /// An integer in two's complement, little-endian; no bytes are 0.
    private static func integer(_ bytes: UnsafeRawBufferPointer) -> Node {
        let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
        // What lies beyond eight bytes may only repeat the sign.
        let filler: UInt8 = isNegative ? 0xFF : 0
        guard bytes.dropFirst(8).allSatisfy({ $0 == filler }) else { return .largeInt(Array(bytes)) }
        var value: UInt64 = isNegative ? .max : 0
        for (index, byte) in bytes.prefix(8).enumerated() {
            let shift = UInt64(index * 8)
            value = value & ~(0xFF << shift) | UInt64(byte) << shift
        }
        let result = Int(bitPattern: UInt(value))
        return (result < 0) == isNegative ? .int(result) : .largeInt(Array(bytes))
    }
}
