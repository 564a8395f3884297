import SelfPatchData
import SelfPatchFormats

/// A video and the mask of its first frame: all that tracking needs.
package struct TrackedVideo: Sendable {
    package let frames: VideoFrames
    /// The file with the first frame's mask: the number of the object at each pixel, 0 where there is none.
    package let mask: String

    package var name: String { frames.name }

    package init(frames: VideoFrames, mask: String) {
        self.frames = frames
        self.mask = mask
    }

    /// A sequence of DAVIS.
    package init(_ sequence: String, of data: DAVISFolder) throws {
        let frames = try VideoFrames(folder: data.frameFolder(of: sequence), name: sequence)
        self.init(frames: frames, mask: "\(data.maskFolder(of: sequence))/\(frames.stem(0)).png")
    }

    /// The mask's numbers. 255, which stands for "void" in masks, is background here, as it is where masks are scored.
    package func firstMask() throws -> Pixels {
        var map = try ImageFile.labels(path: mask)
        for place in map.bytes.indices where map.bytes[place] == 255 { map.bytes[place] = 0 }
        return map
    }

    /// Decodes everything and says what is wrong with it; nothing, where it can be tracked.
    ///
    /// - Parameter channels: the network's.
    package func problems(channels: Int) -> [String] {
        let frames = frames
        let results = concurrently(frames.count) { index in
            do throws(ImageProblem) {
                let pixels = try ImageFile.read(path: frames.path(index), channels: channels).pixels
                return Result<ViewSize, ImageProblem>.success(ViewSize(height: pixels.height, width: pixels.width))
            } catch {
                return .failure(error)
            }
        }
        var found: [String] = []
        var size: ViewSize?
        for (index, result) in results.enumerated() {
            let path = PrintableName.of(frames.path(index))
            switch result {
            case .failure(let problem): found.append("\(path) \(problem.detail)")
            case .success(let other):
                if let size, other != size { found.append("\(path) has \(other) pixels, the frames before \(size)") }
                size = size ?? other
            }
        }
        return found + maskProblems(size: size)
    }

    private func maskProblems(size: ViewSize?) -> [String] {
        let path = PrintableName.of(mask)
        do throws(ImageProblem) {
            let map = try ImageFile.readLabels(path: mask)
            var found: [String] = []
            if let size, size != ViewSize(height: map.height, width: map.width) {
                found.append("the mask \(path) has \(map.height) x \(map.width) pixels, its frame \(size)")
            }
            if map.bytes.allSatisfy({ $0 == 0 || $0 == 255 }) { found.append("the mask \(path) holds no object") }
            return found
        } catch {
            return ["the mask \(path) \(error.detail)"]
        }
    }
}
