import CSelfPatchTorch

/// The same numbers, seen, joined or picked otherwise. Negative dimensions count from the last.
extension Tensor {
    /// Row-major order stays; one size may be -1 and is then found.
    public func reshaped(to shape: [Int]) -> Tensor {
        Self.make("reshape", self) { handles, out in withInts(shape) { sp_reshape(handles[0], $0, out) } }
    }
    /// Dimensions in another order: place i of the result has the dimension `order[i]`.
    public func permuted(_ order: [Int]) -> Tensor {
        Self.make("permute", self) { handles, out in withInts(order) { sp_permute(handles[0], $0, out) } }
    }
    /// Two dimensions in each other's place.
    public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
        let rank = self.rank
        var order = Array(0..<rank)
        order.swapAt(a < 0 ? a + rank : a, b < 0 ? b + rank : b)
        return permuted(order)
    }
    /// Sizes of 1 repeated without copying; -1 keeps a size.
    package func expanded(to shape: [Int]) -> Tensor {
        Self.make("expand", self) { handles, out in withInts(shape) { sp_expand(handles[0], $0, out) } }
    }
    /// The part of a dimension with these indices, in the same memory.
    public func narrowed(to range: Range<Int>, dimension: Int) -> Tensor {
        Self.make("narrow", self) {
            sp_narrow($0[0], Int64(dimension), Int64(range.lowerBound), Int64(range.count), $1)
        }
    }
    /// One entry of a dimension, which is gone in the result, in the same memory.
    public func selected(_ index: Int, dimension: Int) -> Tensor {
        Self.make("select", self) { sp_select($0[0], Int64(dimension), Int64(index), $1) }
    }
    /// With one more dimension, of size 1, at this place.
    public func unsqueezed(at dimension: Int) -> Tensor {
        Self.make("unsqueeze", self) { sp_unsqueeze($0[0], Int64(dimension), $1) }
    }
    /// Without a dimension of size 1.
    public func squeezed(at dimension: Int) -> Tensor {
        Self.make("squeeze", self) { sp_squeeze($0[0], Int64(dimension), $1) }
    }
    /// One after the other along a dimension; all other sizes are the same.
    public static func concatenated(_ tensors: [Tensor], dimension: Int = 0) -> Tensor {
        tensors.count == 1
            ? tensors[0] : make("concatenate", of: tensors) { sp_cat($0.baseAddress, $0.count, Int64(dimension), $1) }
    }
    /// Tensors of one shape side by side along a new dimension.
    public static func stacked(_ tensors: [Tensor], dimension: Int = 0) -> Tensor {
        make("stack", of: tensors) { sp_stack($0.baseAddress, $0.count, Int64(dimension), $1) }
    }
    /// Parts of the given sizes along a dimension, as views.
    public func split(_ sizes: [Int], dimension: Int = 0) -> [Tensor] {
        precondition(
            sizes.reduce(0, +) == size(dimension), "parts of \(sizes) of a tensor of \(shape) along \(dimension)")
        var start = 0
        return sizes.map { length in
            defer { start += length }
            return narrowed(to: start..<start + length, dimension: dimension)
        }
    }
    /// Element i comes from i - shift, round and round.
    package func rolled(_ shifts: [Int], dimensions: [Int]) -> Tensor {
        Self.make("roll", self) { handles, out in
            withInts(shifts) { shifts in withInts(dimensions) { sp_roll(handles[0], shifts, $0, out) } }
        }
    }
    package func flipped(_ dimensions: [Int]) -> Tensor {
        Self.make("flip", self) { handles, out in withInts(dimensions) { sp_flip(handles[0], $0, out) } }
    }
    /// Whole rows by number along a dimension; its backward is the same on any number of threads.
    package func rows(_ indices: Tensor, dimension: Int = 0) -> Tensor {
        Self.make("rows", self, indices) { sp_index_select($0[0], Int64(dimension), $0[1], $1) }
    }
    /// Element by element: out[i][j] = self[i][indices[i][j]] along a dimension.
    package func gathered(_ indices: Tensor, dimension: Int) -> Tensor {
        Self.make("gather", self, indices) { sp_gather($0[0], Int64(dimension), $0[1], $1) }
    }
    package func scattering(_ value: Double, at indices: Tensor, dimension: Int) -> Tensor {
        Self.make("scatter", self, indices) { sp_scatter_number($0[0], Int64(dimension), $0[1], value, $1) }
    }
    /// `padding` from the last dimension backwards, two numbers each: before, after.
    package func padded(_ padding: [Int], with value: Double = 0) -> Tensor {
        Self.make("pad", self) { handles, out in withInts(padding) { sp_pad(handles[0], $0, value, out) } }
    }
}
