import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport

/// A small set in COCO's layout, as JSON values that a test may change before they are written.
struct DrawnCOCO {
    var images: [[String: Any]] = [
        ["id": 7, "file_name": "b.png", "height": 60, "width": 80],
        ["id": 3, "file_name": "a.png", "height": 40, "width": 50],
    ]
    var categories: [[String: Any]] = [
        ["id": 18, "name": "dog"], ["id": 1, "name": "person"], ["id": 90, "name": "cup"],
    ]
    var annotations: [[String: Any]] = [
        [
            "id": 11, "image_id": 7, "category_id": 18, "iscrowd": 0, "bbox": [10.5, 20, 20, 10.25], "area": 200.5,
            "segmentation": [[10, 20, 30, 20, 30, 30, 10, 30]],
        ],
        [
            "id": 12, "image_id": 3, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 2, 40], "area": 80,
            "segmentation": ["size": [40, 50], "counts": [0, 80, 1920]],
        ],
        [
            "id": 13, "image_id": 7, "category_id": 90, "iscrowd": 0, "bbox": [0, 0, 1, 3], "area": 3,
            "segmentation": ["size": [60, 80], "counts": "03me4"],
        ],
    ]

    func text() throws -> String {
        let value: [String: Any] = [
            "info": ["year": 2017], "annotations": annotations, "images": images, "categories": categories,
        ]
        return String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
    }

    /// Reads what this would be written as.
    func read() throws -> COCOAnnotations { try Self.read(text()) }

    static func read(_ text: String) throws -> COCOAnnotations {
        try COCOAnnotations(file: file(text, "instances_val.json"), threads: 2)
    }

    static func file(_ text: String, _ name: String) -> MappedFile {
        Array(text.utf8).withUnsafeBytes { MappedFile(copying: $0, path: name) }
    }
}
