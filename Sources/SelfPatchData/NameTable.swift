/// Millions of short names in one block of memory: their bytes and an offset each.
struct NameTable: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    /// The bytes of a name, without a zero at the end.
    subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    mutating func append(_ name: some Sequence<UInt8>) {
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
    }

    func string(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

    /// The places of the names in the order of their bytes.
    func sortedIndices() -> [Int] {
        bytes.withUnsafeBufferPointer { bytes in
            ends.withUnsafeBufferPointer { ends in
                func name(_ index: Int) -> UnsafeBufferPointer<UInt8> {
                    UnsafeBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
                }
                return ends.indices.sorted { name($0).lexicographicallyPrecedes(name($1)) }
            }
        }
    }

    mutating func shrink() {
        bytes = Array(bytes)
        ends = Array(ends)
    }
}
