import ArgumentParser
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// `selfpatch preview-views`: what training sees of an image.
struct PreviewViews: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview-views",
        abstract: "Write a picture of one image's views, with the boxes that they were cut from.",
        discussion: """
            Below each view stands what chance did to it: flip; brightness, contrast and saturation in per cent and the
            hue's turn in degrees, in the order in which they were applied; grey; the blur's deviation in pixels;
            solarize.

            EXAMPLES
              selfpatch preview-views cat.jpg --output views.png
              selfpatch preview-views cat.jpg --output views.png --seed 7 --local-views 4 --local-size 48
              selfpatch preview-views frame.png --output views.png --global-size 112x448
            """)

    @Argument(help: "An image file.")
    var image: String

    @Option(help: "The PNG file to write.")
    var output: String

    @Option(help: "Another seed draws other views.")
    var seed: UInt64 = 0

    @Option(help: "Another epoch, too.")
    var epoch = 0

    @Option(help: "Size of the two global views: a side, or height x width.")
    var globalSize = MultiCropSettings().globalSize

    @Option(help: "Size of the local views.")
    var localSize = MultiCropSettings().localSize

    @Option(help: "Local views an image.")
    var localViews = MultiCropSettings().localCount

    func run() throws {
        guard epoch >= 0 else { throw UserError("--epoch is \(epoch); epochs count from 0.", kind: .usage) }
        var settings = MultiCropSettings()
        settings.globalSize = globalSize
        settings.localSize = localSize
        settings.localCount = localViews
        try settings.validate()
        guard max(globalSize.height, globalSize.width, localSize.height, localSize.width) <= 1024, localViews <= 100
        else {
            throw UserError(
                "Views of more than 1,024 pixels a side, or more than 100 of them, are not drawn.", kind: .usage)
        }
        let pixels = try ImageFile.decode(path: image, channels: 3)
        let key = SampleKey(seed: seed, epoch: epoch, index: 0)
        try ViewSheet(image: pixels, settings: settings, key: key).picture().write(to: output)
        print("\(output): \(settings.viewCount) views of \(image), seed \(seed), epoch \(epoch)")
    }
}

extension ViewSize: ExpressibleByArgument {
    /// `224`, or `112x448` for height and width.
    public init?(argument: String) {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        switch (sides.count, sides.first ?? nil, sides.last ?? nil) {
        case (1, let side?, _): self.init(square: side)
        case (2, let height?, let width?): self.init(height: height, width: width)
        default: return nil
        }
    }

    public var defaultValueDescription: String { height == width ? "\(height)" : "\(height)x\(width)" }
}
