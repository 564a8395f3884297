import Foundation

/// Expected numbers, made with the field's own code: where they lie, and which cases there are.
///
/// With `SELFPATCH_GOLDEN=DIR` tests run on that root alone; a kind that it lacks is skipped. Without it they run on the
/// copies in `Tests/Goldens` and on `golden` in the shared folder, where that is present.
package enum Goldens {
    /// What a folder of goldens fixes; the raw value is its place below a root, but for the last.
    package enum Kind: String, CaseIterable, Sendable {
        case step
        case augment
        case knn = "metrics/knn"
        case segmentation = "metrics/segmentation"
        case davis = "metrics/davis"
        case coco = "metrics/coco"
        case checkpoints
        case detection
        case detectionModel

        /// Where its folders lie below a root.
        var place: String { self == .detectionModel ? Kind.detection.rawValue : rawValue }

        /// The file that marks a folder as a case, or as a set of cases, of this kind.
        var mark: String? {
            switch self {
            case .step, .detectionModel: "case.json"
            case .augment, .knn, .segmentation, .davis, .coco, .detection: "cases.json"
            case .checkpoints: nil
            }
        }
    }

    /// One folder of goldens: for `step` a case, for the others all cases of the kind that one root has.
    package struct Folder: Sendable, CustomStringConvertible, Hashable {
        package let kind: Kind
        package let path: String
        /// The root it was found under, as it appears in test names.
        package let origin: String

        package var name: String { URL(fileURLWithPath: path).lastPathComponent }
        package var description: String { "\(name) of \(origin)" }

        /// The path of a file in this folder.
        package func file(_ name: String) -> String { path + "/" + name }

        /// Reads a JSON file of this folder.
        package func decode<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value {
            try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: file(name))))
        }
    }

    /// The roots, in the order in which they are looked through.
    static let roots: [(name: String, path: String)] = {
        if let chosen = environment("SELFPATCH_GOLDEN") { return [("SELFPATCH_GOLDEN", chosen)] }
        let own = ("Tests/Goldens", PackageFolder.path("Tests/Goldens"))
        let shared = ("shared", SharedData.root + "/golden")
        return [own, shared].filter { FileManager.default.fileExists(atPath: $0.1) }
    }()

    /// All folders of a kind, over all roots; a case whose description occurs twice byte for byte is listed once.
    package static func folders(_ kind: Kind) -> [Folder] {
        var seen: Set<Data> = []
        var found: [Folder] = []
        for root in roots {
            for path in folders(kind, root: root.path) {
                if let mark = kind.mark, let bytes = FileManager.default.contents(atPath: path + "/" + mark) {
                    guard seen.insert(bytes).inserted else { continue }
                }
                found.append(Folder(kind: kind, path: path, origin: root.name))
            }
        }
        return found
    }

    /// A kind as something that a test requires: `@Test(.requires(Goldens.of(.step)), arguments: Goldens.folders(.step))`.
    package static func of(_ kind: Kind) -> Material {
        if let first = folders(kind).first { return .present(first.path) }
        let places = roots.map { $0.path + "/" + kind.place }.joined(separator: " or ")
        return .absent(
            "There are no goldens of kind '\(kind.rawValue)' at \(places).",
            chosen: environment("SELFPATCH_GOLDEN") != nil)
    }

    private static func folders(_ kind: Kind, root: String) -> [String] {
        let top = URL(fileURLWithPath: root + "/" + kind.place).standardized.path
        guard let mark = kind.mark else {
            return FileManager.default.fileExists(atPath: top) ? [top] : []
        }
        let marked = markedFolders(below: top, mark: mark)
        // A root may also be a folder of steps itself.
        if marked.isEmpty, kind == .step { return markedFolders(below: root, mark: mark) }
        return marked
    }

    /// The folder itself and all below it that hold a file `mark`, sorted by path.
    private static func markedFolders(below top: String, mark: String) -> [String] {
        let manager = FileManager.default
        var found = manager.fileExists(atPath: top + "/" + mark) ? [top] : []
        for relative in manager.enumerator(atPath: top).map({ $0.compactMap { $0 as? String } }) ?? [] {
            guard relative.hasSuffix("/" + mark) else { continue }
            found.append(top + "/" + relative.dropLast(mark.count + 1))
        }
        return found.sorted()
    }
}
