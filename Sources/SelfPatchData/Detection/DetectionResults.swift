import SelfPatchFormats

/// Something that a detector found in an image.
package struct Detection: Sendable {
    /// Place of the image in the data.
    package let image: Int
    /// Place of the class in the data.
    package let classIndex: Int
    package let score: Double
    /// Nil where only a mask is given.
    package let box: DetectionBox?
    private let shape: CompactMask?

    package init(image: Int, classIndex: Int, score: Double, box: DetectionBox?, mask: RunLengthMask? = nil) {
        self.image = image
        self.classIndex = classIndex
        self.score = score
        self.box = box
        shape = mask.map(CompactMask.init)
    }

    /// The same where its class has another place.
    func moved(to classIndex: Int) -> Detection { Detection(self, classIndex: classIndex) }

    private init(_ other: Detection, classIndex: Int) {
        (image, score, box, shape) = (other.image, other.score, other.box, other.shape)
        self.classIndex = classIndex
    }

    /// Of the image's size; made from its compressed text at each call.
    package var mask: RunLengthMask? { shape?.mask }
    package var hasMask: Bool { shape != nil }
}

/// What a detector found in the images of a data set: COCO's list of results.
package struct DetectionResults: Sendable {
    /// In the order of the file, which decides between equal scores.
    package let detections: [Detection]
    /// Whether the first one has a box; all others then have one too.
    package let hasBoxes: Bool
    /// Whether the first one has a mask; all others then have one too.
    package let hasMasks: Bool

    /// - Parameter detections: all with a box, or none; all with a mask, or none.
    package init(_ detections: [Detection]) {
        self.detections = detections
        hasBoxes = detections.first.map { $0.box != nil } ?? true
        hasMasks = detections.first?.hasMask ?? true
    }

    /// Those of the classes that a part of the data has: see `DetectionData.keeping(classes:)`.
    package func keeping(classesOf part: DetectionData, of data: DetectionData) -> DetectionResults {
        let places = Dictionary(uniqueKeysWithValues: part.classes.enumerated().map { ($1.id, $0) })
        let kept = detections.compactMap { found in places[data.classes[found.classIndex].id].map(found.moved) }
        return DetectionResults(kept, hasBoxes: hasBoxes, hasMasks: hasMasks)
    }

    private init(_ detections: [Detection], hasBoxes: Bool, hasMasks: Bool) {
        self.detections = detections
        self.hasBoxes = hasBoxes
        self.hasMasks = hasMasks
    }

    /// Reads a list of results: `image_id`, `category_id`, `score`, and `bbox`, `segmentation` or both.
    ///
    /// - Parameter data: what was looked at; other images and categories are refused.
    /// - Throws: `UserError` that names the file and every problem.
    package init(path: String, for data: DetectionData, threads: Int = 0) throws {
        try self.init(file: MappedFile(path: path), for: data, threads: threads)
    }

    package init(file: MappedFile, for data: DetectionData, threads: Int = 0) throws {
        var collector = ResultCollector(data, threads: threads)
        try JSONReader.read(file) { try collector.read(&$0) }
        try collector.throwIfAny(title: "The results \(PrintableName.of(file.path)) cannot be scored")
        self.init(collector.detections)
    }
}
