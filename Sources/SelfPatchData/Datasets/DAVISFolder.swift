import Foundation
import SelfPatchFormats

/// Videos with masks in the layout of DAVIS 2017:
///
///     JPEGImages/480p/SEQUENCE/00000.jpg     frames
///     Annotations/480p/SEQUENCE/00000.png    masks: the number of the object at each pixel, 0 where there is none
///     ImageSets/2017/val.txt                 the sequences of a set, one a line
package struct DAVISFolder: Sendable {
    package let root: String
    /// The sequences, in the order of the list.
    package let sequences: [String]

    static let resolution = "480p"
    static let year = "2017"

    /// - Parameters:
    ///   - set: the list of sequences: `val`, `train`.
    ///   - only: those of the list that are wanted; all where it is empty.
    /// - Throws: `UserError` where the list is missing or empty, or lacks a wanted sequence.
    package init(root: String, set: String = "val", only: [String] = []) throws {
        let list = "\(root)/ImageSets/\(Self.year)/\(set).txt"
        guard let bytes = FileManager.default.contents(atPath: list) else {
            let folder = "\(root)/ImageSets/\(Self.year)"
            let others = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
                .filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
            let hint = others.isEmpty ? "" : " Sets that are there: \(others.joined(separator: ", "))."
            throw UserError("There is no list of sequences at \(PrintableName.of(list)).\(hint)")
        }
        var listed: [String] = []
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let name = line.trimmingCharacters(in: .whitespaces)
            guard !name.isEmpty, !listed.contains(name) else { continue }
            guard !name.contains("/"), name != "..", name != "." else {
                throw UserError("\(PrintableName.of(list)) names \(PrintableName.of(name)), which is no sequence.")
            }
            listed.append(name)
        }
        guard !listed.isEmpty else { throw UserError("The list \(PrintableName.of(list)) names no sequence.") }
        for name in only where !listed.contains(name) {
            let nearest = NearestName.of(name, among: listed).map { " Did you mean \($0)?" } ?? ""
            throw UserError(
                "\(PrintableName.of(list)) does not name the sequence \(PrintableName.of(name)).\(nearest)",
                kind: .usage)
        }
        self.root = root
        sequences = only.isEmpty ? listed : listed.filter(only.contains)
    }

    package func frameFolder(of sequence: String) -> String { "\(root)/JPEGImages/\(Self.resolution)/\(sequence)" }
    package func maskFolder(of sequence: String) -> String { "\(root)/Annotations/\(Self.resolution)/\(sequence)" }

    /// The annotated frames of a sequence: names of their masks, sorted. Empty where nothing is annotated.
    package func masks(of sequence: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: maskFolder(of: sequence))) ?? []
        return names.filter { $0.hasSuffix(".png") && !$0.hasPrefix(".") }.sorted(by: VideoFrames.comesBefore)
    }
}
