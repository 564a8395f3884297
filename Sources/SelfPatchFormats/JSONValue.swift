import Foundation

/// A JSON document of which nothing is known beforehand, as another program's configuration.
public enum JSONValue: Equatable, Sendable, Codable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The most bytes that are read of a file; configurations have a few thousand.
    static let largestFile = 16 << 20

    /// Reads a file.
    ///
    /// - Throws: `UserError` that names it, if it cannot be read or is not JSON.
    public init(path: String) throws {
        let file = try MappedFile(path: path)
        guard file.count <= Self.largestFile else {
            throw UserError("Cannot read \(path): it has \(file.count) bytes, too many for a configuration.")
        }
        let data = file.withBytes { Data($0) }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: data) else {
            throw UserError("Cannot read \(path): it is not JSON, or is damaged.")
        }
        self = value
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        // JSON has no other numbers.
        case .double(let value):
            if value.isFinite { try container.encode(value) } else { try container.encode("\(value)") }
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// A member of an object; nil where there is none, where it is null, and of everything else.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// Whole numbers, also where they are written 4.0.
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
