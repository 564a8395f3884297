/// A plain value of a pickle: what is left of a Python object once nothing in it can act.
public enum PickleValue: Sendable, Hashable {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer beyond 64 bits: two's complement, little-endian.
    case largeInt([UInt8])
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([PickleValue])
    case tuple([PickleValue])
    case set([PickleValue])
    /// A dictionary in its own order; no key comes twice.
    case dictionary([Pair])
    /// Index among the file's tensors.
    case tensor(Int)
    /// What is known of an object of a class that is none of the above, for example an `argparse.Namespace`.
    indirect case object(InertObject)

    /// A key of a dictionary and what it stands for.
    public struct Pair: Sendable, Hashable {
        public let key: PickleValue
        public let value: PickleValue

        public init(_ key: PickleValue, _ value: PickleValue) {
            self.key = key
            self.value = value
        }
    }

    /// The contents of an object without its behaviour.
    public struct InertObject: Sendable, Hashable {
        /// With its module: `argparse.Namespace`.
        public let className: String
        /// What it was made from: of a device its kind and number, of a path its parts.
        public let arguments: [PickleValue]
        /// Its attributes.
        public let attributes: [Pair]

        public init(className: String, arguments: [PickleValue] = [], attributes: [Pair] = []) {
            self.className = className
            self.arguments = arguments
            self.attributes = attributes
        }
    }

    /// The pairs of a dictionary, or the attributes of an object; nil for everything else.
    public var pairs: [Pair]? {
        switch self {
        case .dictionary(let pairs): pairs
        case .object(let object): object.attributes
        default: nil
        }
    }

    /// The value of a key of a dictionary, or of an attribute of an object; nil where there is none.
    public subscript(key: String) -> PickleValue? {
        pairs?.first { $0.key == .string(key) }?.value
    }
}
