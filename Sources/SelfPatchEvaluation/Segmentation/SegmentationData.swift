import Foundation
import SelfPatchData
import SelfPatchFormats

/// The labelled images of a segmentation run, found and looked at as its settings say.
package struct SegmentationData: Sendable {
    package let training: LabelledFolder
    package let validation: LabelledFolder
    package let classes: ClassList
    /// What is worth a line in the log: where classes come from.
    package let note: String

    /// Pairs images with label maps and finds out which classes there are.
    ///
    /// - Throws: `UserError` where folders are missing or empty, images have no label map, or classes contradict each other.
    package init(_ settings: SegmentationSettings) throws {
        func pairs(validation: Bool) throws -> FolderPairs {
            let folders = settings.folders(validation: validation)
            return try FolderPairs(images: folders.images, labels: folders.labels)
        }
        let (training, validation) = (try pairs(validation: false), try pairs(validation: true))
        let data = settings.data
        let beside = "\(data.folder)/classes.txt"
        let path =
            !data.classList.isEmpty
            ? data.classList : !data.folder.isEmpty && FileManager.default.fileExists(atPath: beside) ? beside : nil
        if let path {
            let list = try ClassList(file: path)
            guard data.classes == 0 || data.classes == list.count else {
                throw UserError(
                    "data.classes is \(data.classes), but \(path) names \(list.count). Leave one of the two out.",
                    kind: .usage)
            }
            classes = list
            note = "\(list.count) classes of \(path)"
        } else if data.classes > 0 {
            classes = ClassList(count: data.classes)
            note = "\(data.classes) classes"
        } else {
            classes = ClassList(
                count: try LabelledImages.classCount(
                    of: [training, validation], firstClass: data.firstClass, ignored: data.ignored))
            note = "\(classes.count) classes, by the largest label of the maps"
        }
        self.training = LabelledFolder(training, numbering: data.numbering, classCount: classes.count)
        self.validation = LabelledFolder(validation, numbering: data.numbering, classCount: classes.count)
    }

    /// Reads every label map and every image's header, and tells all that is wrong at once, file by file.
    ///
    /// - Parameter progress: is told how many pairs are looked at, of how many.
    /// - Returns: classes that no training pixel has.
    package func check(progress: (Int, Int) -> Void = { _, _ in }) throws -> [String] {
        var problems = DataProblems()
        let total = training.count + validation.count
        let contents = training.check(&problems) { progress($0, total) }
        let scored = validation.check(&problems) { progress(training.count + $0, total) }
        for (name, found) in [("training", contents), ("validation", scored)] where found.pixels.allSatisfy({ $0 == 0 })
        {
            problems.add("no \(name) label map holds a class")
        }
        try problems.throwIfAny(title: "The labelled images cannot be used")
        return classes.names.indices.filter { contents.pixels[$0] == 0 }.map { classes.names[$0] }
    }
}
