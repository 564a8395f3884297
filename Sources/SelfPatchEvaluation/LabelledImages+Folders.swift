import SelfPatchData
import SelfPatchFormats

extension LabelledImages {
    /// Images and label maps of two folders.
    ///
    /// - Parameters:
    ///   - channels: those of the model.
    ///   - classCount: labels of this and above are not classes; of these only `ignored` may occur.
    ///   - firstClass: the label of class 0: 0, or 1 where 0 stands for "no label", as in ADE20K.
    public init(_ pairs: FolderPairs, channels: Int, classCount: Int, firstClass: Int, ignored: Int) {
        self.init(
            count: pairs.count, classCount: classCount,
            image: { try pairs.image($0, channels: channels) },
            labels: { index in
                var map = try pairs.labels(index)
                for place in map.bytes.indices {
                    let label = Int(map.bytes[place])
                    let number = label - firstClass
                    map.bytes[place] = label == ignored || number < 0 ? 255 : UInt8(number)
                    guard map.bytes[place] == 255 || number < classCount else {
                        throw UserError(
                            "The label map of \(pairs.images.name(of: index)) holds \(label); there are \(classCount) "
                                + "classes from \(firstClass), and \(ignored) is no label.")
                    }
                }
                return map
            })
    }

    /// How many classes some label maps hold: up to the largest label.
    public static func classCount(of sets: [FolderPairs], firstClass: Int, ignored: Int) throws -> Int {
        var seen = [Bool](repeating: false, count: 256)
        for pairs in sets {
            for index in 0..<pairs.count { for label in try pairs.labels(index).bytes { seen[Int(label)] = true } }
        }
        if 0..<256 ~= ignored { seen[ignored] = false }
        guard let largest = seen.lastIndex(of: true), largest >= firstClass else {
            throw UserError("The label maps hold no label but \(ignored).")
        }
        return largest - firstClass + 1
    }
}
