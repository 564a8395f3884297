import Foundation
import SelfPatchFormats

/// Names and colours of the classes of label maps, in the order of their numbers.
package struct ClassList: Equatable, Sendable {
    package let names: [String]
    /// Red, green and blue of each class.
    package let colors: [[UInt8]]

    package var count: Int { names.count }

    package init(names: [String], colors: [[UInt8]]) {
        precondition(names.count == colors.count && colors.allSatisfy { $0.count == 3 }, "\(names.count) classes")
        self.names = names
        self.colors = colors
    }

    /// Classes that nobody has named: "class 0", in PASCAL VOC's colours.
    package init(count: Int) {
        self.init(names: (0..<count).map { "class \($0)" }, colors: (0..<count).map(Self.color))
    }

    /// Reads a list: a line a class, in order. A line is a name, or a number, a name and, where it has them, red, green and
    /// blue: `3 road 128 64 128`. Names may hold spaces. Empty lines and those that begin with `#` are passed over.
    ///
    /// - Throws: `UserError` that names the line.
    package init(file path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else { throw UserError.file("read", path, ENOENT) }
        guard let text = String(data: data, encoding: .utf8) else {
            throw UserError("The list of classes \(path) is no text in UTF-8.")
        }
        var names: [String] = []
        var colors: [[UInt8]] = []
        for (place, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            var color = Self.color(names.count)
            if words.count > 1, let number = Int(first) {
                guard number == names.count else {
                    throw UserError(
                        "\(path), line \(place + 1): class \(number) stands where class \(names.count) is expected. Numbers "
                            + "begin at 0 and leave none out, whatever labels the maps hold.")
                }
                words.removeFirst()
                if words.count > 3 {
                    let last = words.suffix(3).compactMap { UInt8($0) }
                    if last.count == 3 {
                        color = last
                        words.removeLast(3)
                    }
                }
            }
            names.append(words.joined(separator: " "))
            colors.append(color)
        }
        guard !names.isEmpty, names.count <= Int(LabelNumbering.none) else {
            throw UserError("\(path) names \(names.count) classes; label maps of 8 bits hold from 1 to 255.")
        }
        self.init(names: names, colors: colors)
    }

    private static func color(_ number: Int) -> [UInt8] {
        // PASCAL's first colour is black, which is for what is no class.
        let color = LabelPalette.pascal[UInt8(truncatingIfNeeded: number + 1)]
        return [color.red, color.green, color.blue]
    }
}
