/// Reads one pickle (protocols 2 to 5) as data: a machine that builds plain values and has no way to run anything.
///
/// Values live in one array and refer to each other by index, so that neither a loop among them nor deep nesting can
/// hold memory or exhaust the stack; `PickleUnfolding` turns them into a tree at the end, if they are one.
package struct PickleReader {
    /// What a pickle came to.
    package struct Content {
        package let root: PickleValue
        package let tensors: [TensorClaim]
        package let storages: [StorageClaim]
        /// One past the pickle's last byte.
        package let end: Int
    }

    /// What one pickle may use.
    package struct Limits: Sendable {
        /// Containers inside each other. PyTorch's own checkpoints stay below 10.
        package var depth = 64
        /// Bytes of the pickle; tensors' contents are not in it.
        package var bytes = 64 << 20
        /// Values made while it is read, and values of the tree in the end, each counted as often as it appears.
        package var values = 2_000_000

        package init() {}
    }

    /// How tensors' storages are referred to: PyTorch's zip files use five items, its older files six.
    package enum StorageReference: Sendable {
        case none
        case five
        case six
    }

    /// Place of a value in `nodes`.
    typealias Handle = Int32

    enum Node {
        case none
        case bool(Bool)
        case int(Int)
        case largeInt([UInt8])
        case double(Double)
        case string(String)
        case bytes([UInt8])
        case list([Handle])
        case tuple([Handle])
        /// Keys and values in turn.
        case dictionary([Handle])
        case set([Handle])
        case global(PickleGlobal)
        case storage(Int)
        case tensor(Int)
        /// A numpy element type: its code, and its byte order once that is known.
        indirect case numpyType(String, order: String?)
        indirect case object(String, arguments: Handle?, state: Handle?)
    }

    let limits: Limits
    let storageReference: StorageReference
    var cursor: ByteCursor
    var nodes: [Node] = []
    var stack: [Handle] = []
    /// Heights of the stack at which marks stand.
    var marks: [Int] = []
    /// A table by number, never an array: the numbers are the file's.
    var memo: [UInt32: Handle] = [:]
    var storages: [StorageClaim] = []
    var storageIndices: [String: Int] = [:]
    var tensors: [TensorClaim] = []
    /// Values that may still be made.
    var budget: Int

    /// - Parameter start: where in `bytes` the pickle begins.
    /// - Throws: `FileRefusal`.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, from start: Int = 0, storages: StorageReference, limits: Limits = Limits()
    ) throws -> Content {
        // What lies beyond the limit does not exist for it, so no text or number can be larger.
        let isCut = bytes.count - start > limits.bytes
        let area = isCut ? UnsafeRawBufferPointer(rebasing: bytes[..<(start + limits.bytes)]) : bytes
        var reader = PickleReader(
            limits: limits, storageReference: storages, cursor: ByteCursor(area, from: start, name: "its pickle"),
            budget: limits.values)
        do {
            let root = try reader.run()
            let value = try PickleUnfolding.value(of: root, in: reader.nodes, limits: limits)
            return Content(root: value, tensors: reader.tensors, storages: reader.storages, end: reader.cursor.position)
        } catch let refusal as FileRefusal where isCut && refusal.reason == .truncated {
            throw FileRefusal(.tooLarge, "its pickle has more than \(limits.bytes) bytes")
        }
    }

    /// Obeys opcodes up to STOP. - Returns: the one value that is left.
    private mutating func run() throws -> Handle {
        guard try cursor.number(UInt8.self) == PickleOpcode.proto.rawValue else {
            throw broken("does not begin with its protocol, as pickles of protocol 2 and later do")
        }
        let version = try cursor.number(UInt8.self)
        guard (2...5).contains(version) else {
            throw broken("has protocol \(version); protocols 2 to 5 are known")
        }
        while true {
            let byte = try cursor.number(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw FileRefusal(
                    .forbiddenOpcode,
                    "its pickle has the instruction \(byte) at byte \(cursor.position - 1), which "
                        + "PyTorch does not write")
            }
            if opcode == .stop { break }
            try obey(opcode)
        }
        guard stack.count == 1, marks.isEmpty, let root = stack.last else {
            throw broken("ends with \(stack.count) values instead of one")
        }
        return root
    }

    func broken(_ what: String) -> FileRefusal {
        FileRefusal(.badPickle, "its pickle \(what) (byte \(cursor.position))")
    }

    /// Takes some of what may still be made, before it is made.
    mutating func spend(_ count: Int) throws {
        budget -= count
        guard budget >= 0 else {
            throw FileRefusal(.tooLarge, "its pickle makes more than \(limits.values) values")
        }
    }

    mutating func make(_ node: Node) throws -> Handle {
        try spend(1)
        nodes.append(node)
        return Handle(nodes.count - 1)
    }

    mutating func push(_ node: Node) throws { stack.append(try make(node)) }

    /// Takes the topmost value, which must lie above the last mark.
    mutating func pop() throws -> Handle {
        guard stack.count > (marks.last ?? 0), let handle = stack.popLast() else {
            throw broken("takes a value that is not there")
        }
        return handle
    }

    func top() throws -> Handle {
        guard stack.count > (marks.last ?? 0), let handle = stack.last else {
            throw broken("uses a value that is not there")
        }
        return handle
    }

    /// Takes all values above the last mark, and the mark.
    mutating func popToMark() throws -> [Handle] {
        guard let mark = marks.popLast() else { throw broken("lacks a mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    func node(_ handle: Handle) -> Node { nodes[Int(handle)] }
}
