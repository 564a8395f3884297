import Foundation
import Yams

/// Settings as a tree of names and values: the defaults of a `Codable` struct, overlaid by files and by `key=value`.
///
/// The encoded defaults are the schema. A key that they lack is refused with the nearest one that they have, a value of
/// another kind with what is allowed; then the tree is decoded once. Settings structs need a value for every field:
/// an optional that is nil would be missing from the schema.
package struct SettingsTree: Equatable, Sendable {
    /// A section, a list, or one value.
    package indirect enum Value: Equatable, Sendable {
        case section([Entry])
        case list([Value])
        case integer(Int)
        case number(Double)
        case truth(Bool)
        case text(String)
    }

    /// A named value within a section.
    package struct Entry: Equatable, Sendable {
        package let key: String
        package var value: Value
    }

    /// Entries of the top level, in the order in which they are encoded.
    package private(set) var entries: [Entry]

    /// The tree of these settings; with a struct's defaults this is the schema as well.
    package init(encoding settings: some Encodable) throws {
        let encoder = SettingsEncoder()
        try settings.encode(to: encoder)
        guard case .section(let entries) = encoder.value else {
            preconditionFailure("settings are a struct with named fields, not a single value")
        }
        self.entries = entries
    }

    /// The settings as a value of their own type.
    ///
    /// - Throws: `UserError` if a type refuses its value, with the setting's path and what it says is allowed.
    package func decode<Settings: Decodable>(_ type: Settings.Type) throws -> Settings {
        do {
            return try YAMLDecoder().decode(type, from: Value.section(entries).node)
        } catch let error as DecodingError {
            throw UserError(Self.sentence(error), kind: .usage)
        }
    }

    /// Replaces what a YAML file says.
    ///
    /// - Throws: `UserError` that names the file, the line and the setting.
    package mutating func overlay(file path: String) throws {
        let text: String
        do {
            text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
        } catch {
            var status = stat()
            guard stat(path, &status) == 0 else { throw UserError.file("read", path, errno) }
            throw UserError("Cannot read settings from \(path): it is no text file in UTF-8.")
        }
        try overlay(yaml: text, source: path)
    }

    /// Replaces what a YAML text says.
    ///
    /// - Parameter source: where the text comes from, for messages.
    package mutating func overlay(yaml: String, source: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw UserError(Self.sentence(error, source: source), kind: .usage)
        }
        guard let root, root.null == nil else { return }  // An empty file changes nothing.
        entries = try SettingsOverlay(schema: entries, source: source).applying(root)
    }

    /// Replaces one value: `"objective.patchWeight=0.05"`.
    ///
    /// - Parameter option: how the assignment was written on the command line, for messages.
    package mutating func set(_ assignment: String, option: String = "--set") throws {
        guard let equals = assignment.firstIndex(of: "=") else {
            throw UserError(
                "\(option) \(assignment): write a setting and its value with '=' between, as in "
                    + "\(option) objective.patchWeight=0.05", kind: .usage)
        }
        let path = assignment[..<equals].trimmingCharacters(in: .whitespaces)
        let text = assignment[assignment.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        try set(path, to: text, source: "\(option) \(assignment)")
    }

    /// Replaces the value at `path` by what `text` says.
    package mutating func set(_ path: String, to text: String, source: String) throws {
        let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        entries = try SettingsOverlay(schema: entries, source: source, hasLines: false).setting(keys, to: text)
    }

    /// The value at a path such as `objective.patchWeight`, or nil.
    package subscript(path: String) -> Value? {
        path.split(separator: ".").reduce(Value?.some(.section(entries))) { value, key in
            guard case .section(let entries) = value else { return nil }
            return entries.first { $0.key == key }?.value
        }
    }

    /// Paths of all values, in order, sections left out.
    package var paths: [String] { Self.paths(entries, prefix: "", withSections: false) }

    static func paths(_ entries: [Entry], prefix: String, withSections: Bool) -> [String] {
        entries.flatMap { entry -> [String] in
            let path = prefix + entry.key
            guard case .section(let inner) = entry.value else { return [path] }
            return (withSections ? [path] : []) + paths(inner, prefix: path + ".", withSections: withSections)
        }
    }

    /// A setting whose values differ between two trees of the same type.
    package struct Difference: Equatable, Sendable {
        package let path: String
        package let before: String
        package let after: String

        package init(path: String, before: String, after: String) {
            self.path = path
            self.before = before
            self.after = after
        }
    }

    /// All settings that differ in `other`, in order.
    package func differences(to other: SettingsTree) -> [Difference] {
        paths.compactMap { path in
            let before = self[path]
            let after = other[path]
            return before == after
                ? nil : Difference(path: path, before: before?.text ?? "absent", after: after?.text ?? "absent")
        }
    }

    /// The paths of those that differ in `other` and do not begin with any of these.
    package func changes(in other: SettingsTree, besides beginnings: [String]) -> [String] {
        differences(to: other).map(\.path).filter { path in !beginnings.contains { path.hasPrefix($0) } }
    }

    private static func sentence(_ error: DecodingError) -> String {
        let (context, missing): (DecodingError.Context, CodingKey?) =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, nil)
            case .keyNotFound(let key, let context): (context, key)
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: "\(error)"), nil)
            }
        let keys = context.codingPath + (missing.map { [$0] } ?? [])
        let path = keys.filter { $0.intValue == nil }.map(\.stringValue).joined(separator: ".")
        return "Setting '\(path)': \(context.debugDescription)"
    }

    private static func sentence(_ error: YamlError, source: String) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(source), line \(mark.line): this is not YAML (\(problem))."
        case .duplicatedKeysInMapping(let names, let context):
            "\(source), near line \(context.mark.line): \(names.map { "'\($0)'" }.joined(separator: ", ")) stands there twice."
        default: "\(source): this is not YAML."
        }
    }
}

/// A setting with a few named values, such as `precision: bf16`; its errors list them.
package protocol SettingsChoice: RawRepresentable, CaseIterable, Codable, Sendable where RawValue == String {}

extension SettingsChoice {
    package init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(rawValue: text) else {
            let names = Self.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "takes one of \(names), not '\(text)'.")
        }
        self = value
    }

    package func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
