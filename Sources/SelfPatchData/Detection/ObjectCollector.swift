import Foundation
import SelfPatchFormats

/// Turns the list of annotations into objects of images: reads a block, makes its masks on several threads, goes on.
struct ObjectCollector {
    private(set) var problems: [String] = []
    private let classes: [DetectionClass]
    private var images: [DetectionImage]
    private let threads: Int
    private let classPlaces: [Int: Int]
    private let imagePlaces: [Int: Int]
    private var ids: Set<Int> = []
    private var repairs: [AnnotationRecord.Repair: Repaired] = [:]
    private var block: [AnnotationRecord] = []
    private var count = 0

    /// How often something was mended, and where first.
    private struct Repaired {
        var count = 0
        var first: [Int] = []
    }

    /// Annotations whose outlines are in memory at a time.
    private static let blockSize = 4_096
    /// No more problems are collected: the file is another one than was meant.
    private static let mostProblems = 1_000

    init(classes: [DetectionClass], images: [DetectionImage], threads: Int) {
        self.classes = classes
        self.images = images
        self.threads = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        classPlaces = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1.id, $0) })
        imagePlaces = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1.id, $0) })
        block.reserveCapacity(Self.blockSize)
    }

    var data: DetectionData { DetectionData(classes: classes, images: images) }

    mutating func read(_ json: inout JSONReader) throws {
        try json.array { json in
            count += 1
            guard problems.count < Self.mostProblems else { return try json.skip() }
            let start = json
            do {
                block.append(try AnnotationRecord(&json))
            } catch let error as UserError {
                // Damage throws once more; what is merely something else than wanted is named and passed over.
                json = start
                try json.skip()
                json = start
                problems.append("annotation \(try words(&json)): \(json.sentence(of: error))")
                return
            }
            if block.count == Self.blockSize { finishBlock() }
        }
        finishBlock()
    }

    /// The id of an annotation that could not be read, or its place.
    private func words(_ json: inout JSONReader) throws -> String {
        var id: Int?
        guard try json.kind() == .object else {
            try json.skip()
            return "number \(count) of the list"
        }
        try json.object { json, key in
            let start = json
            if key == "id", let found = try? json.integer() {
                id = found
            } else {
                json = start
                try json.skip()
            }
        }
        return id.map(String.init) ?? "number \(count) of the list, without id,"
    }

    private mutating func finishBlock() {
        let results = Self.objects(of: block, classPlaces, imagePlaces, images, threads: threads)
        for (record, result) in zip(block, results) {
            switch result {
            case .failure(let problem): problems.append(problem.sentence)
            case .success(let made):
                if !ids.insert(made.object.id).inserted {
                    problems.append("two annotations have the id \(made.object.id)")
                }
                images[made.image].objects.append(made.object)
                for repair in made.repairs {
                    repairs[repair, default: Repaired()].count += 1
                    if repairs[repair, default: Repaired()].first.count < 5 {
                        repairs[repair]?.first.append(record.id ?? 0)
                    }
                }
            }
        }
        block.removeAll(keepingCapacity: true)
    }

    private static func objects(
        of records: [AnnotationRecord], _ classes: [Int: Int], _ places: [Int: Int], _ images: [DetectionImage],
        threads: Int
    ) -> [Result<AnnotationRecord.Made, AnnotationRecord.Fault>] {
        concurrently(records.count, threads: threads) { place in
            do throws(AnnotationRecord.Fault) {
                return .success(try records[place].object(classes: classes, places: places, images: images))
            } catch {
                return .failure(error)
            }
        }
    }

    /// What was mended and what is odd, with the first few ids.
    var notes: [String] {
        var notes = AnnotationRecord.Repair.allCases.compactMap { kind -> String? in
            guard let found = repairs[kind] else { return nil }
            let list =
                found.first.map(String.init).joined(separator: ", ") + (found.count > found.first.count ? " ..." : "")
            return "\(found.count) \(found.count == 1 ? "annotation" : "annotations") \(kind.rawValue) (\(list))"
        }
        let empty = images.count { $0.objects.isEmpty }
        if empty > 0 { notes.append("\(empty) of \(images.count) images without an object") }
        return notes
    }
}
