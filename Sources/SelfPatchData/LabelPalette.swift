/// 256 colours, one for each label that a byte can hold.
package struct LabelPalette: Equatable, Sendable {
    /// `[256, 3]`: red, green, blue.
    package let bytes: [UInt8]

    /// PASCAL VOC's colours, which DAVIS's masks carry: 0 is black, 1 dark red, 2 dark green, and labels whose numbers are near
    /// each other get colours that are not.
    ///
    /// The bits of the label, three by three from the lowest, become bits of red, green and blue from the highest.
    package static let pascal = LabelPalette { label in
        var color: [UInt8] = [0, 0, 0]
        for bit in 0..<8 { color[bit % 3] |= UInt8((label >> bit & 1) << (7 - bit / 3)) }
        return color
    }

    /// - Parameter color: red, green and blue of a label.
    package init(_ color: (Int) -> [UInt8]) {
        bytes = (0..<256).flatMap { label in
            let parts = color(label)
            precondition(parts.count == 3, "a colour of \(parts.count) parts")
            return parts
        }
    }

    package subscript(label: UInt8) -> (red: UInt8, green: UInt8, blue: UInt8) {
        let place = 3 * Int(label)
        return (bytes[place], bytes[place + 1], bytes[place + 2])
    }
}
