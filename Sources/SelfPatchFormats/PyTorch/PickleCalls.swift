// What calls in a pickle stand for. Each takes the values apart as far as it needs them and makes a plain value; a call
// with other arguments than Python's own writer gives is refused.
extension PickleReader {
    /// REDUCE: a function or class and its arguments.
    mutating func reduce(_ callable: Handle, _ arguments: Handle) throws -> Handle {
        guard case .global(let global) = node(callable) else {
            throw broken("calls something that is no function or class")
        }
        guard case .tuple(let values) = node(arguments) else {
            throw broken("calls a function with something that is no tuple")
        }
        switch global {
        case .rebuildTensor(let isOldest): return try rebuildTensor(values, isOldest: isOldest)
        case .rebuildParameter:
            guard values.count == 3, case .tensor = node(values[0]) else {
                throw FileRefusal(.badTensor, "its pickle makes a parameter of something that is no tensor")
            }
            return values[0]
        case .orderedDictionary: return try orderedDictionary(values)
        case .set:
            guard values.count <= 1 else { break }
            guard let first = values.first else { return try make(.set([])) }
            guard case .list(let items) = node(first) else { break }
            try spend(items.count)
            return try make(.set(items))
        case .size:
            guard values.count == 1, case .tuple = node(values[0]) else { break }
            return values[0]
        case .encode: return try encode(values)
        case .numpyType:
            guard values.count == 3, case .string(let code) = node(values[0]) else { break }
            return try make(.numpyType(code, order: nil))
        case .numpyScalar:
            guard values.count == 2, case .numpyType(let code, let order) = node(values[0]),
                case .bytes(let bytes) = node(values[1])
            else { break }
            return try make(try numpyScalar(code, order: order, bytes))
        case .inert(let name): return try make(.object(name, arguments: arguments, state: nil))
        case .namespace, .storage, .constant: break
        }
        throw broken("makes a value of a known class from something else than Python's own writer does")
    }

    /// NEWOBJ: an object without its attributes.
    mutating func newObject(_ callable: Handle, _ arguments: Handle) throws -> Handle {
        guard case .tuple(let values) = node(arguments) else {
            throw broken("makes an object from something that is no tuple")
        }
        if case .global(.namespace) = node(callable), values.isEmpty {
            return try make(.object("argparse.Namespace", arguments: nil, state: nil))
        }
        // As protocols from 2 on write classes that are made by `__new__`.
        if case .global(.size) = node(callable), values.count == 1, case .tuple = node(values[0]) { return values[0] }
        throw broken("makes an object of a class that is not made this way")
    }

    /// BUILD: gives an object its attributes.
    mutating func build(_ object: Handle, _ state: Handle) throws {
        switch (node(object), node(state)) {
        case (.object(let name, let arguments, nil), .dictionary):
            nodes[Int(object)] = .object(name, arguments: arguments, state: state)
        case (.dictionary, .dictionary): break  // A state dict's `_metadata`: versions of modules, not needed.
        case (.numpyType(let code, nil), .tuple(let values)):
            guard values.count >= 2, case .string(let order) = node(values[1]) else {
                throw broken("describes an element type otherwise than numpy does")
            }
            nodes[Int(object)] = .numpyType(code, order: order)
        default: throw broken("gives attributes to something that takes none")
        }
    }

    /// BINPERSID: the storage behind a tensor. - Returns: its index among the claims.
    mutating func storage(_ reference: Handle) throws -> Int {
        func refusal(_ what: String) -> FileRefusal {
            FileRefusal(.badStorage, "its pickle refers to a storage \(what) (byte \(cursor.position))")
        }
        let length = storageReference == .six ? 6 : 5
        guard case .tuple(let items) = node(reference), items.count == length, storageReference != .none else {
            throw refusal("otherwise than PyTorch does")
        }
        guard case .string("storage") = node(items[0]) else { throw refusal("by another kind of reference") }
        guard case .global(.storage(let elementType)) = node(items[1]) else {
            throw refusal("whose type is none")
        }
        guard case .string(let key) = node(items[2]) else { throw refusal("whose key is no text") }
        guard case .string = node(items[3]) else { throw refusal("whose device is no text") }
        guard case .int(let count) = node(items[4]) else { throw refusal("whose length is no integer") }
        if length == 6 {
            guard case .none = node(items[5]) else { throw refusal("through a view, as only very old versions did") }
        }
        let claim = try StorageClaim(elementType: elementType, key: key, count: count)
        if let index = storageIndices[key] {
            guard storages[index] == claim else {
                throw FileRefusal(
                    .badStorage,
                    "its pickle describes storage \(key) in two ways: \(storages[index].count) elements of "
                        + "\(storages[index].elementType.rawValue), and \(count) of \(elementType.rawValue)")
            }
            return index
        }
        storageIndices[key] = storages.count
        storages.append(claim)
        return storages.count - 1
    }

    private mutating func rebuildTensor(_ values: [Handle], isOldest: Bool) throws -> Handle {
        guard isOldest ? values.count == 4 : (6...7).contains(values.count) else {
            throw FileRefusal(.badTensor, "its pickle makes a tensor from \(values.count) values")
        }
        guard case .storage(let index) = node(values[0]) else {
            throw FileRefusal(.badTensor, "its pickle makes a tensor from something that is no storage")
        }
        guard case .int(let offset) = node(values[1]) else {
            throw FileRefusal(.badTensor, "a tensor's offset is no integer of 64 bits")
        }
        let shape = try integers(values[2], "sizes")
        let strides = try integers(values[3], "strides")
        try spend(shape.count + 2)
        tensors.append(
            try TensorClaim(of: storages[index], index: index, offset: offset, shape: shape, strides: strides))
        return try make(.tensor(tensors.count - 1))
    }

    private func integers(_ handle: Handle, _ what: String) throws -> [Int] {
        guard case .tuple(let items) = node(handle) else {
            throw FileRefusal(.badTensor, "a tensor's \(what) are no tuple")
        }
        guard items.count <= TensorClaim.highestRank else {
            throw FileRefusal(
                .badTensor, "a tensor has \(items.count) \(what); at most \(TensorClaim.highestRank) are read")
        }
        return try items.map {
            guard case .int(let value) = node($0) else {
                throw FileRefusal(.badTensor, "one of a tensor's \(what) is no integer of 64 bits")
            }
            return value
        }
    }

    /// Empty, or (as Python 2 wrote it) with a list of its pairs.
    private mutating func orderedDictionary(_ values: [Handle]) throws -> Handle {
        guard let first = values.first else { return try make(.dictionary([])) }
        guard values.count == 1, case .list(let pairs) = node(first) else {
            throw broken("makes an OrderedDict from something that is no list of pairs")
        }
        try spend(2 * pairs.count)
        var items: [Handle] = []
        for pair in pairs {
            switch node(pair) {
            case .list(let both) where both.count == 2, .tuple(let both) where both.count == 2: items += both
            default: throw broken("makes an OrderedDict from something that is no list of pairs")
            }
        }
        return try make(.dictionary(items))
    }

    /// `_codecs.encode(text, 'latin1')`: bytes, one of each character.
    private mutating func encode(_ values: [Handle]) throws -> Handle {
        guard values.count == 2, case .string(let text) = node(values[0]), case .string("latin1") = node(values[1])
        else {
            throw broken("encodes text otherwise than as Latin-1")
        }
        // The same text may be encoded again and again: its copies count.
        try spend(text.utf8.count / 16)
        let bytes = try text.unicodeScalars.map {
            guard let byte = UInt8(exactly: $0.value) else { throw broken("encodes text that is not Latin-1") }
            return byte
        }
        return try make(.bytes(bytes))
    }

    /// The number in a numpy scalar; of an unusual type an object that says so.
    private func numpyScalar(_ code: String, order: String?, _ bytes: [UInt8]) throws -> Node {
        guard order != ">" else {
            throw FileRefusal(.bigEndian, "its pickle has numbers of a big-endian machine")
        }
        let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch (code, bytes.count) {
        case ("f8", 8): return .double(Double(bitPattern: value))
        case ("f4", 4): return .double(Double(Float(bitPattern: UInt32(value))))
        case ("i8", 8): return .int(Int(truncatingIfNeeded: value))
        case ("i4", 4): return .int(Int(Int32(truncatingIfNeeded: value)))
        case ("i2", 2): return .int(Int(Int16(truncatingIfNeeded: value)))
        case ("i1", 1): return .int(Int(Int8(truncatingIfNeeded: value)))
        case ("u4", 4), ("u2", 2), ("u1", 1): return .int(Int(value))
        case ("u8", 8) where value <= UInt64(Int.max): return .int(Int(value))
        case ("b1", 1) where value <= 1: return .bool(value == 1)
        case ("f8", _), ("f4", _), ("i8", _), ("i4", _), ("i2", _), ("i1", _), ("u4", _), ("u2", _), ("u1", _),
            ("b1", _):
            throw broken("has a number of type \(quoted(code)) in \(bytes.count) bytes")
        default: return .object("numpy.scalar", arguments: nil, state: nil)
        }
    }
}
