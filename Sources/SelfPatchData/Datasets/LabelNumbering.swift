/// How the numbers in label maps become classes from 0.
package struct LabelNumbering: Codable, Equatable, Sendable {
    /// The label of class 0: 0, or 1 where 0 stands for no class, as in ADE20K.
    package var firstClass: Int
    /// The label that stands for no class; those below `firstClass` stand for none either.
    package var ignored: Int

    package init(firstClass: Int = 0, ignored: Int = 255) {
        self.firstClass = firstClass
        self.ignored = ignored
    }

    /// 0 is no class, classes begin at 1.
    package static let ade20k = LabelNumbering(firstClass: 1, ignored: 0)

    /// What stands for no class in a map of class numbers.
    package static let none: UInt8 = 255

    /// For each of the 256 labels its class number, `none`, or nil where it is beyond the classes.
    func classes(count: Int) -> [UInt8?] {
        (0..<256).map { label in
            if label == ignored || label < firstClass { return Self.none }
            return label - firstClass < min(count, Int(Self.none)) ? UInt8(label - firstClass) : nil
        }
    }

    /// The class number that a label would have, if there are enough classes; nil where it stands for no class.
    package func number(of label: Int) -> Int? {
        label == ignored || label < firstClass ? nil : label - firstClass
    }
}
