import SelfPatchData
import SelfPatchFormats

extension LabelledImages {
    /// Images and label maps of two folders.
    ///
    /// - Parameter channels: those of the model.
    package init(_ folder: LabelledFolder, channels: Int) {
        self.init(
            count: folder.count, classCount: folder.classCount,
            image: { try folder.pairs.image($0, channels: channels) }, labels: { try folder.labels($0) })
    }

    /// How many classes some label maps hold: up to the largest label. Maps that cannot be read are passed over, for
    /// `LabelledFolder.check` names them all.
    package static func classCount(of sets: [FolderPairs], firstClass: Int, ignored: Int) throws -> Int {
        var seen = [Bool](repeating: false, count: 256)
        for pairs in sets {
            for index in 0..<pairs.count {
                for label in (try? pairs.labels(index))?.bytes ?? [] { seen[Int(label)] = true }
            }
        }
        if 0..<256 ~= ignored { seen[ignored] = false }
        guard let largest = seen.lastIndex(of: true), largest >= firstClass else {
            throw UserError("The label maps hold no label but \(ignored).")
        }
        return largest - firstClass + 1
    }
}
