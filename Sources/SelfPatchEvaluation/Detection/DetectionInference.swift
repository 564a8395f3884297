import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// The objects in a picture, at the picture's own size.
package struct DetectionInference {
    package let detector: MaskRCNN
    let view: DetectionView
    let normalization: ViewNormalization
    let precision: Precision

    package init(
        _ detector: MaskRCNN, views: DetectionViewSettings, normalization: ViewNormalization, precision: Precision
    ) {
        self.detector = detector
        view = DetectionView(views, masks: false)
        self.normalization = normalization
        self.precision = precision
    }

    /// - Parameters:
    ///   - image: of the network's channels, any size.
    ///   - place: of the image in its data set.
    /// - Returns: the surest first.
    package func detections(in image: Pixels, place: Int) -> [Detection] {
        let picture = view.picture(of: image)
        let views = detector.views(of: [picture], normalization)
        let found = precision.run(on: detector.network.device) {
            detector.detections(
                in: views, height: picture.size.height, width: picture.size.width, factors: picture.factors)
        }
        return concurrently(found.count) { number in
            let (detection, box) = (found[number], found[number].box)
            return Detection(
                image: place, classIndex: detection.classIndex, score: Double(detection.score),
                box: DetectionBox(
                    x: Double(box.x1), y: Double(box.y1), width: Double(box.x2) - Double(box.x1),
                    height: Double(box.y2) - Double(box.y1)),
                mask: detection.mask.map {
                    let pasted = PastedMask($0, in: box, height: image.height, width: image.width)
                    return RunLengthMask(
                        part: pasted.bits, rows: pasted.rows, columns: pasted.columns, height: image.height,
                        width: image.width)
                })
        }
    }

    /// What is found in all pictures of a data set.
    ///
    /// - Parameter progress: is told how many pictures are done, after each; what it throws ends it.
    package func results(on files: DetectionFiles, progress: (Int) throws -> Void = { _ in }) throws -> DetectionResults
    {
        let channels = detector.network.architecture.channels
        var found: [Detection] = []
        for place in files.data.images.indices {
            found += detections(in: try files.sample(place, channels: channels).image, place: place)
            try progress(place + 1)
        }
        return DetectionResults(found)
    }
}

extension MaskRCNN {
    /// Pictures as a batch on the network's device, normalised, filled up with 0 below and to the right to the largest of them and
    /// to whole cells: `[pictures, channels, height, width]`.
    package func views(of pictures: [DetectionPicture], _ normalization: ViewNormalization) -> Tensor {
        let height = padded(pictures.map(\.size.height).max() ?? 0)
        let width = padded(pictures.map(\.size.width).max() ?? 0)
        return .concatenated(
            pictures.map { picture in
                let size = picture.size
                let shape = [1, picture.planes.count / size.pixels, size.height, size.width]
                return normalization(Tensor(picture.planes, shape: shape).moved(to: network.device))
                    .padded([0, width - size.width, 0, height - size.height])
            })
    }
}
