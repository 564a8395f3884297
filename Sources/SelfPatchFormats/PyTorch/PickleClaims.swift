/// A storage as a pickle describes it; where its bytes lie is the container's to say.
package struct StorageClaim: Equatable, Sendable {
    package let elementType: SafetensorsFile.ElementType
    /// Decimal digits: the name of its bytes in the container.
    package let key: String
    /// Elements.
    package let count: Int

    /// Fits: checked when the claim was made.
    package var byteCount: Int { count * elementType.byteCount }

    init(elementType: SafetensorsFile.ElementType, key: String, count: Int) throws {
        guard !key.isEmpty, key.utf8.count <= 20, key.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw FileRefusal(.badStorage, "a tensor's storage has the key \(quoted(key)), which is no decimal number")
        }
        guard count >= 0, product(count, elementType.byteCount) != nil else {
            throw FileRefusal(.badStorage, "storage \(key) should have \(count) elements")
        }
        self.elementType = elementType
        self.key = key
        self.count = count
    }
}

/// A tensor as a pickle describes it: a view of a storage that does not leave it.
package struct TensorClaim: Equatable, Sendable {
    /// Index among the claims for storages.
    package let storage: Int
    package let shape: [Int]
    /// In elements, not negative.
    package let strides: [Int]
    /// Of its first element in the storage, in elements.
    package let offset: Int
    package let elementType: SafetensorsFile.ElementType

    static let highestRank = 64
    /// Views may show an element many times (stride 0); this is the most that one may come to beyond its storage.
    static let mostExpandedBytes = 16 << 20

    init(of claim: StorageClaim, index: Int, offset: Int, shape: [Int], strides: [Int]) throws {
        guard shape.count == strides.count else {
            throw FileRefusal(.badTensor, "a tensor has \(shape.count) sizes and \(strides.count) strides")
        }
        guard shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }), offset >= 0 else {
            throw FileRefusal(
                .badTensor, "a tensor of shape \(shape) has a negative size, stride or offset (\(strides), \(offset))")
        }
        guard let byteCount = SafetensorsFile.byteCount(claim.elementType, shape) else {
            throw FileRefusal(.tooLarge, "a tensor's shape \(shape) is too large")
        }
        // One past the last element that it touches; nil where that number does not fit.
        var reach: Int? = offset
        if byteCount > 0 {
            for (size, stride) in zip(shape, strides) {
                reach = reach.flatMap { before in product(size - 1, stride).flatMap { sum(before, $0) } }
            }
            reach = reach.flatMap { sum($0, 1) }
        }
        guard let reach, reach <= claim.count else {
            throw FileRefusal(
                .outOfBounds,
                "a tensor of shape \(shape), strides \(strides) and offset \(offset) reaches beyond its storage of "
                    + "\(claim.count) elements")
        }
        guard byteCount <= max(claim.byteCount, Self.mostExpandedBytes) else {
            throw FileRefusal(
                .tooLarge,
                "a tensor of shape \(shape) shows the \(claim.count) elements of its storage again and again: "
                    + "\(byteCount) bytes made of \(claim.byteCount)")
        }
        storage = index
        self.shape = shape
        self.strides = strides
        self.offset = offset
        elementType = claim.elementType
    }
}
