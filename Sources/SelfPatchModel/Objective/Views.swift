import SelfPatchLayers
import SelfPatchTensors

/// Views of one size of some images, as one batch: view-major, all images of the first view, then all of the next.
package struct Views {
    /// `[views * images, channels, height, width]`, normalised.
    package let pixels: Tensor
    /// Numbers of these views among all views of an image; 0 and 1 are global.
    package let numbers: Range<Int>
    /// Places of these images in the whole batch of the step.
    package let samples: Range<Int>

    package init(pixels: Tensor, numbers: Range<Int>, samples: Range<Int>) {
        precondition(
            pixels.size(0) == numbers.count * samples.count,
            "\(pixels.shape) for \(numbers.count) views of \(samples.count) images")
        self.pixels = pixels
        self.numbers = numbers
        self.samples = samples
    }

    /// Which view of which image each row is.
    package var rows: [DropPath.Row] {
        numbers.flatMap { view in samples.map { DropPath.Row(sample: $0, view: view) } }
    }

    /// Every view by itself.
    package var singly: [Views] {
        numbers.enumerated().map { place, number in
            let rows = place * samples.count..<(place + 1) * samples.count
            return Views(
                pixels: pixels.narrowed(to: rows, dimension: 0), numbers: number..<number + 1, samples: samples)
        }
    }
}
