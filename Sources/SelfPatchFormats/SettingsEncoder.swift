/// Turns settings into a ``SettingsTree``'s values, in the order in which they encode themselves and with their exact kinds.
final class SettingsEncoder: Encoder {
    typealias Value = SettingsTree.Value

    let codingPath: [CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// What has been encoded, put together when it is asked for, since nested containers fill later.
    var value: Value { build() }
    private var build: () -> Value = { .section([]) }

    init(codingPath: [CodingKey] = []) { self.codingPath = codingPath }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        let section = Section<Key>(codingPath: codingPath)
        build = { .section(section.parts.map { .init(key: $0.key, value: $0.value()) }) }
        return KeyedEncodingContainer(section)
    }

    func unkeyedContainer() -> UnkeyedEncodingContainer {
        let list = List(codingPath: codingPath)
        build = { .list(list.parts.map { $0() }) }
        return list
    }

    func singleValueContainer() -> SingleValueEncodingContainer { Single(self) }

    /// The value of one field: a plain kind as it is, anything else by encoding itself.
    static func value(of field: some Encodable, at path: [CodingKey]) throws -> Value {
        switch field {
        case let value as Bool: return .truth(value)
        case let value as String: return .text(value)
        case let value as Double: return .number(value)
        case let value as Float: return .number(Double(String(value)) ?? Double(value))  // 0.1, not 0.10000000149
        case let value as any BinaryInteger:
            guard let value = Int(exactly: value) else {
                throw UserError(
                    "Setting '\(path.map(\.stringValue).joined(separator: "."))': \(value) is too large.", kind: .usage)
            }
            return .integer(value)
        default:
            let encoder = SettingsEncoder(codingPath: path)
            try field.encode(to: encoder)
            return encoder.value
        }
    }

    private final class Section<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let codingPath: [CodingKey]
        var parts: [(key: String, value: () -> Value)] = []

        init(codingPath: [CodingKey]) { self.codingPath = codingPath }

        func encodeNil(forKey key: Key) {
            preconditionFailure("setting '\(key.stringValue)' has no value; settings are not optional")
        }
        func encode<T: Encodable>(_ field: T, forKey key: Key) throws {
            let value = try SettingsEncoder.value(of: field, at: codingPath + [key])
            parts.append((key.stringValue, { value }))
        }
        func nestedContainer<NestedKey: CodingKey>(
            keyedBy type: NestedKey.Type, forKey key: Key
        ) -> KeyedEncodingContainer<NestedKey> {
            nested(key).container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: Key) -> UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
        func superEncoder() -> Encoder { preconditionFailure("settings are structs: there is no super encoder") }
        func superEncoder(forKey key: Key) -> Encoder { nested(key) }

        private func nested(_ key: Key) -> SettingsEncoder {
            let encoder = SettingsEncoder(codingPath: codingPath + [key])
            parts.append((key.stringValue, { encoder.value }))
            return encoder
        }
    }

    private final class List: UnkeyedEncodingContainer {
        let codingPath: [CodingKey]
        var parts: [() -> Value] = []
        var count: Int { parts.count }

        init(codingPath: [CodingKey]) { self.codingPath = codingPath }

        func encodeNil() { preconditionFailure("a list of settings has no empty places") }
        func encode<T: Encodable>(_ field: T) throws {
            let value = try SettingsEncoder.value(of: field, at: codingPath)
            parts.append { value }
        }
        func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
            nested().container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> UnkeyedEncodingContainer { nested().unkeyedContainer() }
        func superEncoder() -> Encoder { nested() }

        private func nested() -> SettingsEncoder {
            let encoder = SettingsEncoder(codingPath: codingPath)
            parts.append { encoder.value }
            return encoder
        }
    }

    private struct Single: SingleValueEncodingContainer {
        let encoder: SettingsEncoder
        var codingPath: [CodingKey] { encoder.codingPath }

        init(_ encoder: SettingsEncoder) { self.encoder = encoder }

        func encodeNil() { preconditionFailure("settings are not optional") }
        func encode<T: Encodable>(_ field: T) throws {
            let value = try SettingsEncoder.value(of: field, at: codingPath)
            encoder.build = { value }
        }
    }
}
