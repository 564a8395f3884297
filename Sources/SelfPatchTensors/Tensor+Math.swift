import CSelfPatchTorch

/// Element by element, with the field's broadcasting: sizes agree from the last dimension, or one of them is 1.
extension Tensor {
    private static func binary(
        _ name: StaticString, _ operation: sp_binary_operation, _ a: Tensor, _ b: Tensor
    ) -> Tensor {
        make(name, a, b) { sp_binary(operation, $0[0], $0[1], $1) }
    }
    private static func binary(
        _ name: StaticString, _ operation: sp_binary_operation, _ a: Tensor, _ b: Double
    ) -> Tensor {
        make(name, a) { sp_binary_number(operation, $0[0], b, $1) }
    }
    private func unary(_ name: StaticString, _ operation: sp_unary_operation) -> Tensor {
        Self.make(name, self) { sp_unary(operation, $0[0], $1) }
    }
    private func reduced(
        _ name: StaticString, _ reduction: sp_reduction, _ dimensions: [Int], _ keeping: Bool
    ) -> Tensor {
        Self.make(name, self) { handles, out in
            withInts(dimensions) { sp_reduce(reduction, handles[0], $0, keeping, out) }
        }
    }

    // MARK: Two tensors, or a tensor and a number

    public static func + (a: Tensor, b: Tensor) -> Tensor { binary("add", SP_ADD, a, b) }
    public static func - (a: Tensor, b: Tensor) -> Tensor { binary("subtract", SP_SUBTRACT, a, b) }
    public static func * (a: Tensor, b: Tensor) -> Tensor { binary("multiply", SP_MULTIPLY, a, b) }
    public static func / (a: Tensor, b: Tensor) -> Tensor { binary("divide", SP_DIVIDE, a, b) }
    public static func + (a: Tensor, b: Double) -> Tensor { binary("add", SP_ADD, a, b) }
    public static func - (a: Tensor, b: Double) -> Tensor { binary("subtract", SP_SUBTRACT, a, b) }
    public static func * (a: Tensor, b: Double) -> Tensor { binary("multiply", SP_MULTIPLY, a, b) }
    public static func / (a: Tensor, b: Double) -> Tensor { binary("divide", SP_DIVIDE, a, b) }
    public static func - (a: Double, b: Tensor) -> Tensor {
        make("subtract", b) { sp_number_binary(SP_SUBTRACT, a, $0[0], $1) }
    }
    public static func / (a: Double, b: Tensor) -> Tensor {
        make("divide", b) { sp_number_binary(SP_DIVIDE, a, $0[0], $1) }
    }
    public static prefix func - (a: Tensor) -> Tensor { a.unary("negate", SP_NEGATE) }

    package func maximum(_ number: Double) -> Tensor { Self.binary("maximum", SP_MAXIMUM, self, number) }
    package func minimum(_ number: Double) -> Tensor { Self.binary("minimum", SP_MINIMUM, self, number) }
    package func power(_ exponent: Double) -> Tensor { Self.binary("power", SP_POWER, self, exponent) }

    // MARK: Comparisons give booleans

    package static func < (a: Tensor, b: Tensor) -> Tensor { binary("less", SP_LESS, a, b) }
    package static func > (a: Tensor, b: Tensor) -> Tensor { binary("greater", SP_GREATER, a, b) }
    package static func < (a: Tensor, b: Double) -> Tensor { binary("less", SP_LESS, a, b) }
    package static func > (a: Tensor, b: Double) -> Tensor { binary("greater", SP_GREATER, a, b) }
    package func or(_ other: Tensor) -> Tensor { Self.binary("or", SP_OR, self, other) }

    // MARK: One tensor

    package func exp() -> Tensor { unary("exp", SP_EXP) }
    package func log() -> Tensor { unary("log", SP_LOG) }
    package func squared() -> Tensor { unary("square", SP_SQUARE) }
    package func magnitude() -> Tensor { unary("magnitude", SP_ABS) }
    package func sigmoid() -> Tensor { unary("sigmoid", SP_SIGMOID) }
    package func relu() -> Tensor { unary("relu", SP_RELU) }
    /// Whether every element is a number, neither infinite nor NaN.
    package var isFinite: Bool { unary("is finite", SP_IS_FINITE).reduced("all", SP_ALL, [], false).item() != 0 }

    // MARK: Over dimensions; over all without any

    /// The sum over dimensions, which go unless `keeping` leaves them with the size 1.
    public func sum(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("sum", SP_SUM, dimensions, keeping)
    }
    /// The mean over dimensions, as `sum`.
    public func mean(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("mean", SP_MEAN, dimensions, keeping)
    }
    /// The largest over dimensions, as `sum`.
    public func max(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("max", SP_MAX, dimensions, keeping)
    }
    /// The smallest over dimensions, as `sum`.
    public func min(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("min", SP_MIN, dimensions, keeping)
    }
    package func logSumExp(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("log-sum-exp", SP_LOG_SUM_EXP, dimensions, keeping)
    }
    /// The Euclidean norm over dimensions, as `sum`.
    public func norm(over dimensions: Int..., keeping: Bool = false) -> Tensor {
        reduced("norm", SP_NORM, dimensions, keeping)
    }
    /// Where the largest along a dimension lies, which is gone in the result: int64.
    public func argMax(over dimension: Int) -> Tensor {
        Self.make("arg max", self) { sp_arg_max($0[0], Int64(dimension), $1) }
    }

    /// x / max(|x|, epsilon) along a dimension, as the field's `normalize`.
    public func normalized(over dimension: Int = -1, epsilon: Double = 1e-12) -> Tensor {
        self / norm(over: dimension, keeping: true).maximum(epsilon)
    }

    /// The `k` largest along a dimension, largest first. Equal ones come in no defined order.
    public func top(_ k: Int, dimension: Int = -1) -> (values: Tensor, indices: Tensor) {
        Self.makePair("top k", self) { sp_top_k($0, Int64(k), Int64(dimension), $1, $2) }
    }
    /// Stable: equal elements keep their order.
    package func sorted(dimension: Int = -1, descending: Bool = false) -> (values: Tensor, indices: Tensor) {
        Self.makePair("sort", self) { sp_sort($0, Int64(dimension), descending, $1, $2) }
    }
    /// The `k` largest along a dimension, largest first, or all where there are fewer: of equal ones the lower index first, for
    /// which everything is sorted.
    package func highest(_ k: Int, dimension: Int = -1) -> (values: Tensor, indices: Tensor) {
        let all = sorted(dimension: dimension, descending: true)
        let first = 0..<Swift.min(k, size(dimension))
        return (
            all.values.narrowed(to: first, dimension: dimension), all.indices.narrowed(to: first, dimension: dimension)
        )
    }

    // MARK: Products and choices

    /// The matrix product over the last two dimensions, broadcasting those before.
    public func matmul(_ other: Tensor) -> Tensor { Self.make("matmul", self, other) { sp_matmul($0[0], $0[1], $1) } }
    /// The same in the operands' own type, whatever precision is run in.
    package func uncastMatmul(_ other: Tensor) -> Tensor {
        Self.make("matmul", self, other) { sp_matmul_uncast($0[0], $0[1], $1) }
    }
    /// Eigenvalues ascending, and eigenvectors in columns, of a symmetric matrix.
    package func symmetricEigen() -> (values: Tensor, vectors: Tensor) {
        Self.makePair("eigenvectors", self) { sp_symmetric_eigen($0, $1, $2) }
    }
    /// `a` where the condition holds, `b` elsewhere.
    package static func choose(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        make("choose", condition, a, b) { sp_where($0[0], $0[1], $0[2], $1) }
    }
    package func filled(where mask: Tensor, with value: Double) -> Tensor {
        Self.make("fill where", self, mask) { sp_masked_fill($0[0], $0[1], value, $1) }
    }

    // MARK: In place

    /// self += scale * other.
    package func add(_ other: Tensor, scale: Double = 1) {
        Self.perform("add in place", [self, other]) { sp_add_into($0[0], $0[1], scale) }
    }
    package func multiply(by number: Double) {
        Self.perform("multiply in place", [self]) { sp_multiply_into($0[0], number) }
    }
    /// self = keep * self + scale * a b, for matrices.
    package func addProduct(_ a: Tensor, _ b: Tensor, keep: Double = 1, scale: Double = 1) {
        Self.perform("add product", [self, a, b]) { sp_matmul_into($0[0], $0[1], $0[2], keep, scale) }
    }
}
