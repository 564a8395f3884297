import SelfPatchData
import SelfPatchEvaluation

/// The scenes of a demo: which are drawn, where they lie, and what is asked about them.
struct DemoScenes {
    /// Scenes whose patches fill the bank of the patch score, and scenes whose patches are labelled.
    static let patchTrainingCount = 300
    static let patchValidationCount = 200
    /// Validation scenes are numbered from here, far from those that are trained on.
    static let firstValidation = 1_000_000

    let count: Int
    let heldOut: Int
    let generator: SceneGenerator
    private let folder: SceneFolder
    private let training: SceneFolder.Part
    private let validation: SceneFolder.Part

    init(folder: String, seed: UInt64, count: Int, heldOut: Int) {
        self.count = count
        self.heldOut = heldOut
        generator = SceneGenerator(seed: seed)
        self.folder = SceneFolder(root: folder, generator: generator)
        training = SceneFolder.Part("train", 0..<count)
        validation = SceneFolder.Part("val", Self.firstValidation..<Self.firstValidation + heldOut)
    }

    var trainingFolder: String { folder.images(of: training) }
    var validationFolder: String { folder.images(of: validation) }

    func write() throws {
        try folder.write(training, withMasks: false)
        try folder.write(validation)
    }

    func exam() throws -> SceneExam {
        let firstTested = Self.firstValidation
        return try SceneExam(
            images: NearestNeighborEvaluation(
                training: ClassFolder(root: trainingFolder), validation: ClassFolder(root: validationFolder)),
            patchTraining: .scenes(generator, 0..<min(Self.patchTrainingCount, count)),
            patchValidation: .scenes(generator, firstTested..<firstTested + min(Self.patchValidationCount, heldOut)),
            side: generator.settings.side)
    }

    /// One scene of each kind, from those that are not trained on.
    func shown() -> [Scene] {
        // Not ten in a row: each kind's next scene but a few, so that the light differs, too.
        ThingKind.allCases.indices.map { generator.scene(Self.firstValidation + $0 + 10 * ($0 % 4)) }
    }

    /// A few scenes of each kind with their masks, to see what is drawn.
    func sheet() -> ContactSheet {
        let columns = 5
        let rows = ThingKind.allCases.indices.map { kind -> [ContactSheet.Tile?] in
            (0..<columns).flatMap { column -> [ContactSheet.Tile] in
                let scene = generator.scene(kind + 10 * column)
                let mask = Pixels(
                    height: scene.pixels.height, width: scene.pixels.width, channels: 1,
                    bytes: scene.mask.map { $0 == 0 ? 235 : 60 })
                return [ContactSheet.Tile(scene.pixels, caption: scene.kind.name), ContactSheet.Tile(mask)]
            }
        }
        return ContactSheet(title: "Drawn scenes and their masks", rows: rows, tileSide: generator.settings.side)
    }
}
