import ArgumentParser
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

/// `selfpatch preview-views`: what training sees of an image.
struct PreviewViews: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview-views",
        abstract: "Write a picture of one image's views, with the boxes that they were cut from.",
        discussion: """
            Below each view stands what chance did to it: flip; brightness, contrast and saturation in per cent and the
            hue's turn in degrees, in the order in which they were applied; grey; the blur's deviation in pixels;
            solarize.

            With --weights the picture also shows a few patches of both global views, with the neighbours that positive
            matching chooses for them and their cosines.

            EXAMPLES
              selfpatch preview-views cat.jpg --output views.png
              selfpatch preview-views cat.jpg --output views.png --preset nano-photos --seed 7
              selfpatch preview-views frame.png --output views.png --set views.globalSize=[112,448]
              selfpatch preview-views cat.jpg --output views.png --weights runs/cats
            """)

    @Argument(help: "An image file.")
    var image: String

    @Option(help: ArgumentHelp("The PNG file to write.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("Another seed draws other views.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Another epoch, too.", valueName: "n"))
    var epoch = 0

    @Option(help: ArgumentHelp("Settings to start from; see `selfpatch settings`.", valueName: "name"))
    var preset: String?

    @Option(help: ArgumentHelp("A YAML file with settings that differ from the preset's.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("One setting, for example views.localCount=4. May be given often.", valueName: "key=value"))
    var assignments: [String] = []

    @Option(
        help: ArgumentHelp(
            "A run's folder, a checkpoint or a file of weights: shows chosen neighbours, and takes the run's settings.",
            valueName: "run|file"))
    var weights: String?

    func run() throws {
        guard epoch >= 0 else { throw UserError("--epoch is \(epoch); epochs count from 0.", kind: .usage) }
        let settings = try settings()
        let views = settings.views
        let sides = [views.globalSize.height, views.globalSize.width, views.localSize.height, views.localSize.width]
        guard sides.allSatisfy({ $0 <= 1024 }), views.localCount <= 100, views.channels == 3 else {
            throw UserError(
                "Drawn are up to 100 local views of three channels and of up to 1,024 pixels a side; the settings say "
                    + "\(views.localCount), \(views.channels) channels, \(views.globalSize) and \(views.localSize).",
                kind: .usage)
        }
        let pixels = try ImageFile.decode(path: image, channels: 3)
        let key = SampleKey(seed: seed, epoch: epoch, index: 0)
        var pictures = [ViewSheet(image: pixels, settings: views, key: key).picture()]
        if let weights { pictures.append(.beside(try neighbors(of: pixels, settings, key, weights: weights))) }
        try Picture.stacked(pictures).write(to: output)
        print("\(output): \(views.viewCount) views of \(image), seed \(seed), epoch \(epoch)")
    }

    private func settings() throws -> PretrainSettings {
        var tree = try SettingsTree(encoding: try preset.map(Preset.named)?.settings ?? PretrainSettings())
        if preset == nil, let weights, let run = try? RunFolder(existing: weights) {
            try tree.overlay(file: run.settingsFile)
        }
        if let config { try tree.overlay(file: config) }
        for assignment in assignments { try tree.set(assignment) }
        let settings = try tree.decode(PretrainSettings.self)
        try settings.views.validate()
        return settings
    }

    /// Both global views with chosen neighbours.
    private func neighbors(
        of pixels: Pixels, _ settings: PretrainSettings, _ key: SampleKey, weights: String
    ) throws -> [Picture] {
        let trained = try TrainedNetwork(path: weights, device: .cpu)
        let (views, patchSize) = (settings.views, trained.network.architecture.patchSize)
        guard trained.description.mean.count == 3, min(views.globalSize.height, views.globalSize.width) >= patchSize
        else {
            throw UserError(
                "\(weights) is a network for \(trained.description.mean.count) channels and patches of \(patchSize) x "
                    + "\(patchSize); the views have 3 channels and \(views.globalSize) pixels.", kind: .usage)
        }
        let normalization = ViewNormalization(
            mean: trained.description.mean, deviation: trained.description.deviation)
        let multiCrop = MultiCrop(views)
        let recipes = multiCrop.recipes(height: pixels.height, width: pixels.width, key: key)
        return (0..<views.globalCount).map { view in
            let planes = multiCrop.view(
                of: pixels, by: recipes[view], size: views.globalSize, scratch: ViewScratch())
            return NeighborSheet(
                planes: planes, size: views.globalSize, network: trained.network, normalization: normalization,
                settings: settings.objective, key: key
            ).picture()
        }
    }
}
