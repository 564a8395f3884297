extension RunLengthMask {
    /// COCO's compressed text: each run, from the fourth on its difference from the run before the last, in groups of five
    /// bits, the lowest first; a character is 48 and its group, and 32 more where others follow.
    package var text: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(runs.count + runs.count / 4)
        for (place, run) in runs.enumerated() {
            var rest = Int(run) - (place > 2 ? Int(runs[place - 2]) : 0)
            while true {
                let group = UInt8(truncatingIfNeeded: rest & 0x1F)
                rest >>= 5
                // The group's highest bit is the sign of what is left out.
                let isLast = group & 0x10 == 0 ? rest == 0 : rest == -1
                text.append(48 + (isLast ? group : group | 0x20))
                if isLast { break }
            }
        }
        return text
    }

    /// Reads COCO's compressed text.
    ///
    /// - Throws: where a character cannot stand there, the last run is not whole, or the runs do not fill the picture.
    package init(height: Int, width: Int, text: [UInt8]) throws(MaskProblem) {
        try MaskProblem.checkSize(height: height, width: width)
        var counts: [Int] = []
        counts.reserveCapacity(text.count)
        var (value, shift) = (0, 0)
        for character in text {
            guard 48...111 ~= character else {
                throw MaskProblem("holds the byte \(character), which COCO's compressed text does not have")
            }
            // Seven groups hold every run of a picture; more of them are damage.
            guard shift < 35 else { throw MaskProblem("holds a run longer than any picture") }
            let group = Int(character) - 48
            value |= (group & 0x1F) << shift
            shift += 5
            if group & 0x20 != 0 { continue }
            if group & 0x10 != 0 { value |= -1 << shift }
            if counts.count > 2 { value += counts[counts.count - 2] }
            counts.append(value)
            (value, shift) = (0, 0)
        }
        guard shift == 0 else { throw MaskProblem("ends within a run") }
        try self.init(height: height, width: width, counts: counts)
    }
}
