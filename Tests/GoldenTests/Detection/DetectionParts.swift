import Foundation
import SelfPatchFormats
import SelfPatchTensors
import TestSupport

/// The parts of a detector, one file of tensors a kind.
struct DetectionParts {
    struct Tolerance: Decodable { let relative_to_largest: Double }
    struct Tolerances: Decodable { let values, coordinates: Tolerance }
    private struct Contents: Decodable {
        let tolerances: Tolerances
        let cases: [String: [JSONValue]]
    }

    /// A case of a kind, with its tensors under their short names.
    struct Case {
        let name: String
        let settings: JSONValue
        let tensors: [String: Tensor]

        func tensor(_ name: String) throws -> Tensor {
            guard let tensor = tensors[name] else { throw UserError("the case \(self.name) has no tensor \(name)") }
            return tensor
        }
        func number(_ name: String) throws -> Double {
            guard let number = settings[name]?.double else { throw UserError("\(self.name) has no number \(name)") }
            return number
        }
        func numbers(_ name: String) throws -> [Double] {
            guard let list = settings[name]?.array else { throw UserError("\(self.name) has no list \(name)") }
            return list.compactMap(\.double)
        }
        /// Tensors of one for each level: `name0`, `name1`, ...
        func levels(_ name: String) -> [Tensor] {
            (0..<tensors.count).map { tensors["\(name)\($0)"] }.prefix { $0 != nil }.compactMap { $0 }
        }
    }

    let tolerances: Tolerances
    private let folder: Goldens.Folder
    private let contents: Contents

    init(_ folder: Goldens.Folder) throws {
        self.folder = folder
        contents = try folder.decode(Contents.self, from: "cases.json")
        tolerances = contents.tolerances
    }

    /// The cases of a kind; none where this set lacks it.
    func cases(_ kind: String) throws -> [Case] {
        guard let cases = contents.cases[kind] else { return [] }
        let stored = try SafetensorsFile(path: folder.file("\(kind).safetensors")).tensors()
        return try cases.map { item in
            let names = item["tensors"]?.object ?? [:]
            let tensors = try names.mapValues { name in
                guard let name = name.string, let tensor = stored[name] else {
                    throw UserError("\(kind).safetensors lacks \(name)")
                }
                return tensor
            }
            return Case(name: item["name"]?.string ?? "", settings: item["settings"] ?? .object([:]), tensors: tensors)
        }
    }
}
