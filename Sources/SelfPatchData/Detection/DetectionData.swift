import SelfPatchFormats

/// A class of objects, as a data set names and numbers it.
package struct DetectionClass: Equatable, Sendable {
    package let name: String
    /// COCO's category id; ids may leave numbers out.
    package let id: Int

    package init(name: String, id: Int) {
        self.name = name
        self.id = id
    }
}

/// One object of an image, or a crowd of them.
package struct DetectionObject: Equatable, Sendable {
    /// The annotation's id.
    package let id: Int
    /// Place of its class in the data's list.
    package let classIndex: Int
    /// In pixels of the image, as it was annotated: not clipped, perhaps without area.
    package let box: DetectionBox
    /// The annotation's own figure in pixels, which decides whether an object is small; not the area of box or mask.
    package let area: Double
    /// A region of many objects; what is found there is neither right nor wrong.
    package let isCrowd: Bool
    /// Left out of training; of no effect in scoring.
    package let isIgnored: Bool
    private let shape: CompactMask?

    package init(
        id: Int, classIndex: Int, box: DetectionBox, area: Double, isCrowd: Bool = false, isIgnored: Bool = false,
        mask: RunLengthMask? = nil
    ) {
        self.id = id
        self.classIndex = classIndex
        self.box = box
        self.area = area
        self.isCrowd = isCrowd
        self.isIgnored = isIgnored
        shape = mask.map(CompactMask.init)
    }

    private init(_ object: DetectionObject, classIndex: Int) {
        id = object.id
        self.classIndex = classIndex
        (box, area, shape) = (object.box, object.area, object.shape)
        (isCrowd, isIgnored) = (object.isCrowd, object.isIgnored)
    }

    /// The same object where its class has another place.
    func moved(to classIndex: Int) -> DetectionObject { DetectionObject(self, classIndex: classIndex) }

    /// Of the image's size; made from its compressed text at each call. Nil where only the box is known.
    package var mask: RunLengthMask? { shape?.mask }
    package var hasMask: Bool { shape != nil }
}

/// An image and what is in it.
package struct DetectionImage: Equatable, Sendable {
    package let id: Int
    /// As the annotations name it, below the folder of images; empty where they do not.
    package let file: String
    package let height: Int
    package let width: Int
    /// In the order of the file.
    package var objects: [DetectionObject]

    package init(id: Int, file: String, height: Int, width: Int, objects: [DetectionObject] = []) {
        self.id = id
        self.file = file
        self.height = height
        self.width = width
        self.objects = objects
    }
}

/// Images with the boxes, masks and classes of their objects.
package struct DetectionData: Equatable, Sendable {
    /// In ascending order of their ids; places in this list are class indices.
    package let classes: [DetectionClass]
    /// In ascending order of their ids.
    package let images: [DetectionImage]

    package init(classes: [DetectionClass], images: [DetectionImage]) {
        self.classes = classes.sorted { $0.id < $1.id }
        self.images = images.sorted { $0.id < $1.id }
    }

    package var objectCount: Int { images.reduce(0) { $0 + $1.objects.count } }

    /// Whether each object has a mask.
    package var hasMasks: Bool { images.allSatisfy { $0.objects.allSatisfy(\.hasMask) } }

    /// The classes of these names alone; images stay, also those that are left with no object.
    ///
    /// - Throws: `UserError` with the nearest name where one is not there.
    package func keeping(classes names: [String]) throws -> DetectionData {
        for name in names where !classes.contains(where: { $0.name == name }) {
            let nearest = NearestName.of(name, among: classes.map(\.name)).map { " Did you mean '\($0)'?" } ?? ""
            let list =
                classes.count <= 20
                ? " There are: \(classes.map { PrintableName.of($0.name) }.joined(separator: ", "))." : ""
            throw UserError("The data have no class '\(PrintableName.of(name))'.\(nearest)\(list)", kind: .usage)
        }
        let kept = classes.indices.filter { names.contains(classes[$0].name) }
        var places = [Int?](repeating: nil, count: classes.count)
        for (place, index) in kept.enumerated() { places[index] = place }
        return DetectionData(
            classes: kept.map { classes[$0] },
            images: images.map { image in
                var image = image
                image.objects = image.objects.compactMap { object in
                    places[object.classIndex].map(object.moved)
                }
                return image
            })
    }
}

/// A mask as COCO's compressed text: a byte or so a run, for there may be a million of them in memory.
struct CompactMask: Equatable, Sendable {
    private let height: Int32
    private let width: Int32
    private let text: [UInt8]

    init(_ mask: RunLengthMask) {
        height = Int32(mask.height)
        width = Int32(mask.width)
        text = mask.text
    }

    var mask: RunLengthMask {
        guard let mask = try? RunLengthMask(height: Int(height), width: Int(width), text: text) else {
            preconditionFailure("\(text.count) bytes that are no mask of \(height) x \(width)")
        }
        return mask
    }
}
