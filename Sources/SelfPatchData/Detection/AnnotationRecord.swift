import SelfPatchFormats

/// One entry of the list `annotations` as it stands in the file.
struct AnnotationRecord: Sendable {
    private(set) var id: Int?
    private var image: Int?
    private var category: Int?
    private var box: [Double] = []
    private var area: Double?
    private var isCrowd = false
    private var isIgnored = false
    private var shape = MaskRecord.none

    /// What is mended, or does no harm, and is counted; continues "3 annotations".
    enum Repair: String, CaseIterable {
        case boxFromMask = "without 'bbox', taken from the mask"
        case areaFromMask = "without 'area', taken from mask or box"
        case flatBox = "with a box without area: scored, not trained on"
        case outside = "outside of the image: scored, not trained on"
        case emptyMask = "with polygons or runs that cover no pixel"
    }

    /// An object and where it belongs.
    struct Made: Sendable {
        let object: DetectionObject
        /// The image's place in the data.
        let image: Int
        let repairs: [Repair]
    }

    struct Fault: Error {
        /// Without a full stop.
        let sentence: String
    }

    init(_ json: inout JSONReader) throws {
        try json.object { json, key in
            switch key {
            case "id": id = try json.integer()
            case "image_id": image = try json.integer()
            case "category_id": category = try json.integer()
            case "bbox":
                if try json.kind() == .null { try json.null() } else { try json.array { box.append(try $0.number()) } }
            case "area": if try json.kind() == .null { try json.null() } else { area = try json.number() }
            case "iscrowd": isCrowd = try Self.flag(&json)
            case "ignore": isIgnored = try Self.flag(&json)
            case "segmentation": shape = try MaskRecord(&json)
            default: try json.skip()
            }
        }
    }

    /// 0 or 1, true or false; null is 0.
    private static func flag(_ json: inout JSONReader) throws -> Bool {
        switch try json.kind() {
        case .boolean: return try json.boolean()
        case .null:
            try json.null()
            return false
        default: return try json.number() != 0
        }
    }

    /// - Parameters:
    ///   - classes: places of the classes by id.
    ///   - places: of the images by id.
    func object(
        classes: [Int: Int], places: [Int: Int], images: [DetectionImage]
    ) throws(Fault) -> Made {
        guard let id else { throw Fault(sentence: "an annotation of image \(image.map(String.init) ?? "?") has no id") }
        func fault(_ words: String) -> Fault { Fault(sentence: "annotation \(id) \(words)") }
        guard let number = image else { throw fault("has no image_id") }
        guard let place = places[number] else { throw fault("belongs to image \(number), which is not listed") }
        guard let category else { throw fault("has no category_id") }
        guard let classIndex = classes[category] else {
            throw fault("is of category \(category), which is not listed")
        }
        let image = images[place]
        var repairs: [Repair] = []
        let mask: RunLengthMask?
        do {
            mask = try shape.mask(height: image.height, width: image.width)
        } catch {
            throw fault("of image \(image.id) \(error.detail)")
        }
        let annotated = DetectionBox(box)
        guard box.isEmpty || annotated != nil else {
            throw fault("has the bbox \(box); four numbers x, y, width, height are expected")
        }
        let bounds: DetectionBox
        if let annotated {
            bounds = annotated
        } else if let mask {
            bounds = mask.box
            repairs.append(.boxFromMask)
        } else {
            throw fault("has neither bbox nor segmentation")
        }
        if let area, !area.isFinite { throw fault("has the area \(area)") }
        if area == nil { repairs.append(.areaFromMask) }
        if bounds.width <= 0 || bounds.height <= 0 {
            repairs.append(.flatBox)
        } else if bounds.x >= Double(image.width) || bounds.y >= Double(image.height)
            || bounds.x + bounds.width <= 0 || bounds.y + bounds.height <= 0
        {
            repairs.append(.outside)
        }
        if let mask, mask.area == 0 { repairs.append(.emptyMask) }
        let object = DetectionObject(
            id: id, classIndex: classIndex, box: bounds, area: area ?? mask.map { Double($0.area) } ?? bounds.area,
            isCrowd: isCrowd, isIgnored: isIgnored, mask: mask)
        return Made(object: object, image: place, repairs: repairs)
    }
}
