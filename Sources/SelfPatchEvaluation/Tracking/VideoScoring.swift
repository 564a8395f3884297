import Foundation
import SelfPatchData
import SelfPatchFormats

/// Scores masks of videos against their annotation by J and F, as the DAVIS 2017 evaluation code does for the semi-supervised task.
///
/// The first and the last annotated frame are not scored, and their results not opened. The objects are 1 up to the largest
/// number in the first annotation; 255 there (void) is background, and objects that appear later with higher numbers are too.
/// Nothing but masks is needed.
///
/// Layout of the results: `RESULTS/SEQUENCE/00001.png`, named as the annotations.
package struct VideoScoring: Sendable {
    package let data: DAVISFolder
    package let results: String

    /// - Parameter results: the folder that holds a folder of masks for each sequence.
    package init(data: DAVISFolder, results: String) {
        self.data = data
        self.results = results
    }

    /// How many of a sequence's frames are scored; 0 where fewer than three are annotated.
    package static func scoredFrameCount(annotated: Int) -> Int { max(0, annotated - 2) }

    /// - Parameters:
    ///   - sequences: those to score; each has at least three annotated frames, or is named as a problem.
    ///   - progress: is called once for each sequence that is done.
    /// - Throws: `UserError` that names every mask that is missing, unreadable, of another size, or holds a number that is no
    ///   object.
    package func score(_ sequences: [String]? = nil, progress: (() -> Void)? = nil) throws -> VideoScore {
        var problems = DataProblems()
        var scores: [VideoScore.Sequence] = []
        for name in sequences ?? data.sequences {
            switch scored(name) {
            case .success(let score): scores.append(score)
            case .failure(let found): problems.add(contentsOf: found.sentences)
            }
            progress?()
        }
        try problems.throwIfAny(
            title: "The masks in \(PrintableName.of(results)) cannot be scored against \(PrintableName.of(data.root))")
        return VideoScore(sequences: scores)
    }

    // MARK: One sequence

    private struct Problems: Error {
        var sentences: [String]
    }

    private struct FrameScore {
        let regions: [Double]
        let contours: [Double]
    }

    private func scored(_ name: String) -> Result<VideoScore.Sequence, Problems> {
        let masks = data.masks(of: name)
        guard masks.count >= 3 else {
            let folder = PrintableName.of(data.maskFolder(of: name))
            return .failure(
                Problems(sentences: [
                    "\(PrintableName.of(name)): \(folder) holds \(masks.count) masks; the first and the last are not scored, so "
                        + "at least 3 are needed"
                ]))
        }
        let objectCount: Int
        do {
            let first = try mask(masks[0], of: name, in: data.maskFolder(of: name))
            objectCount = Int(first.bytes.lazy.map { $0 == 255 ? 0 : $0 }.max() ?? 0)
        } catch {
            return .failure(error)
        }
        guard objectCount > 0 else {
            return .failure(
                Problems(sentences: ["\(PrintableName.of(name)): its first mask, \(masks[0]), holds no object"]))
        }
        let files = Array(masks.dropFirst().dropLast())
        let frames = concurrently(files.count) { place in
            do throws(Problems) {
                return Result<FrameScore, Problems>.success(
                    try frameScore(files[place], of: name, objectCount: objectCount))
            } catch {
                return .failure(error)
            }
        }
        var problems = Problems(sentences: [])
        var scores: [FrameScore] = []
        for frame in frames {
            switch frame {
            case .success(let score): scores.append(score)
            case .failure(let found): problems.sentences += found.sentences
            }
        }
        guard problems.sentences.isEmpty else { return .failure(problems) }
        return .success(
            VideoScore.Sequence(
                name: name, frames: files.map { ($0 as NSString).deletingPathExtension },
                objects: (0..<objectCount).map { place in
                    VideoScore.Object(
                        number: place + 1, regionValues: scores.map { $0.regions[place] },
                        contourValues: scores.map { $0.contours[place] })
                }))
    }

    private func frameScore(_ file: String, of name: String, objectCount: Int) throws(Problems) -> FrameScore {
        let truth = try mask(file, of: name, in: data.maskFolder(of: name))
        let result = try mask(file, of: name, in: "\(results)/\(name)")
        let place = "\(PrintableName.of(name))/\(PrintableName.of(file))"
        guard truth.height == result.height, truth.width == result.width else {
            throw Problems(sentences: [
                "\(place): the result has \(result.height) x \(result.width) pixels, the annotation \(truth.height) x "
                    + "\(truth.width)"
            ])
        }
        let largest = Int(result.bytes.max() ?? 0)
        guard largest <= objectCount else {
            let void = largest == 255 ? " (void is no answer)" : ""
            throw Problems(sentences: [
                "\(place): the result holds object \(largest)\(void); the first annotation has \(objectCount)"
            ])
        }
        let numbers = (1...objectCount).map { UInt8($0) }
        return FrameScore(
            regions: numbers.map { MaskMeasures.regionSimilarity(result.bytes, truth.bytes, object: $0) },
            contours: numbers.map {
                MaskMeasures.contourAccuracy(
                    result.bytes, truth.bytes, object: $0, height: truth.height, width: truth.width)
            })
    }

    private func mask(_ file: String, of name: String, in folder: String) throws(Problems) -> Pixels {
        do throws(ImageProblem) {
            return try ImageFile.readLabels(path: folder + "/" + file)
        } catch {
            throw Problems(sentences: [
                "\(PrintableName.of(name)): \(PrintableName.of(folder + "/" + file)) \(error.detail)"
            ])
        }
    }
}
