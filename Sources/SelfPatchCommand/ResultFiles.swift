import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// The results of a measurement as every command gives them: a table or JSON on standard output, and both, with pictures,
/// in the output folder.
struct ResultFiles {
    /// What a person reads.
    let table: String
    /// One JSON document, keys sorted.
    let json: String

    /// - Parameter document: everything, the settings it was measured with included.
    init(table: String, document: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        self.table = table
        json = String(decoding: try encoder.encode(document), as: UTF8.self)
    }

    func print(asJSON: Bool) { Swift.print(asJSON ? json : table) }

    /// Writes `results.json`, `results.txt`, and the pictures as PNG files of their names.
    ///
    /// - Parameter folder: is made where it is missing; files of these names are replaced.
    func write(to folder: String, pictures: [String: Picture] = [:]) throws {
        try OutputFolder.make(folder)
        try AtomicFile.write(Data((json + "\n").utf8), to: "\(folder)/results.json")
        try AtomicFile.write(Data((table + "\n").utf8), to: "\(folder)/results.txt")
        for (name, picture) in pictures { try picture.write(to: "\(folder)/\(name).png") }
    }
}

/// Rows of text in columns that line up: the first column from the left, the others from the right.
struct TextTable {
    private var rows: [[String]]

    init(_ headings: [String]) { rows = [headings] }

    mutating func add(_ row: String...) { add(row) }
    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let columns = rows[0].count
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + space : space + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

/// A share in per cent as tables show it.
func percent(_ value: Double?, digits: Int = 1) -> String { value.map { String(format: "%.\(digits)f", $0) } ?? "-" }
