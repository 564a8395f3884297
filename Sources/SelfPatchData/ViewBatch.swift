import SelfPatchTensors

/// The views of one micro-batch's images, as bytes on the device that they were wanted on, which normalizes them.
package struct ViewBatch {
    /// What the images are called, for messages. Where one could not be read it is the name of the one in its place.
    package let names: [String]
    /// Places of these images in the whole batch of the step; with one micro-batch `0 ..< batch`.
    package let samples: Range<Int>
    /// `[2 * images, channels, height, width]`, uint8, view-major: view 0 of all images, then view 1.
    package let globalViews: Tensor
    /// `[localCount * images, channels, height, width]`, uint8, view-major; nil without local views.
    package let localViews: Tensor?

    package init(names: [String], samples: Range<Int>, globalViews: Tensor, localViews: Tensor?) {
        self.names = names
        self.samples = samples
        self.globalViews = globalViews
        self.localViews = localViews
    }

    package var images: Int { samples.count }
}
