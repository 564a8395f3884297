import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors

/// A named set of settings for a kind of machine and data: differences from the defaults, and what to expect.
package struct Preset: Sendable {
    package let name: String
    /// What it trains.
    package let trains: String
    /// How it is started.
    package let command: String
    /// How long it takes, on what.
    package let time: String
    /// What it needs.
    package let memory: String
    private let change: @Sendable (inout PretrainSettings) -> Void

    /// The defaults with this preset's differences.
    package var settings: PretrainSettings {
        var settings = PretrainSettings()
        change(&settings)
        return settings
    }

    /// All presets, the paper's first.
    package static let all = [vitSmallImagenet, vitSmallOneGPU, vitTinyOneGPU, nanoPhotos, nanoPhotosDINO, nanoScenes]

    /// - Throws: `UserError` that lists the presets, with the nearest name.
    package static func named(_ name: String) throws -> Preset {
        if let preset = all.first(where: { $0.name == name }) { return preset }
        let names = all.map(\.name)
        let nearest = NearestName.of(name, among: names).map { " Did you mean '\($0)'?" } ?? ""
        throw UserError(
            "Unknown preset '\(name)'.\(nearest) There are: \(names.joined(separator: ", ")).", kind: .usage)
    }

    /// The preset for a machine where none was asked for.
    package static func suited(to device: Device) -> Preset {
        device == .cpu || device == .mps ? nanoPhotos : vitSmallOneGPU
    }

    static let vitSmallImagenet = Preset(
        name: "vit-small-imagenet",
        trains: "The paper's ViT-S/16 on ImageNet's 1.28 million training images: 200 epochs, 1,024 images a step.",
        command: "selfpatch pretrain --data imagenet/train --output run --preset vit-small-imagenet",
        time: "Not measured by us. The authors took eight GPUs with 128 images each; on one GPU expect a week or more.",
        memory:
            "Not measured on a GPU. If 1,024 images do not fit, schedule.accumulation=8 gives the same numbers with an "
            + "eighth of the activations.",
        change: { _ in })

    static let vitSmallOneGPU = Preset(
        name: "vit-small-1gpu",
        trains: "ViT-S/16 on tens of thousands to a million images with one GPU: 100 epochs, 256 images a step.",
        command: "selfpatch pretrain --data DIR --output run --preset vit-small-1gpu",
        time: "Not measured yet; the command prints the time left after its first steps.",
        memory:
            "Not measured yet; made for 24 GB and more. Take schedule.accumulation=4 or schedule.viewsInTurn=true if it "
            + "does not fit.",
        change: { settings in
            settings.schedule.length = .epochs(100)
            settings.schedule.batchSize = 256
            settings.heads.imagePrototypes = 16_384
        })

    static let vitTinyOneGPU = Preset(
        name: "vit-tiny-1gpu",
        trains: "ViT-Ti/16 on some ten thousand images with one small GPU: 200 epochs, 128 images a step.",
        command: "selfpatch pretrain --data DIR --output run --preset vit-tiny-1gpu",
        time: "Not measured yet; the command prints the time left after its first steps.",
        memory: "Not measured yet; made for 8 GB and more.",
        change: { settings in
            settings.model.width = 192
            settings.model.heads = 3
            settings.schedule.batchSize = 128
            settings.heads.imagePrototypes = 8_192
            settings.heads.patchPrototypes = 2_048
            settings.heads.hiddenWidth = 1_024
        })

    static let nanoPhotos = Preset(
        name: "nano-photos",
        trains:
            "A ViT of width 96 and depth 4 with patches of 8 pixels on some thousand photographs: 3,650 steps of 32 images.",
        command: "selfpatch pretrain --data DIR --output run --preset nano-photos",
        time: "12 minutes of one core of an AMD EPYC (Zen 5).",
        memory: "Below 1 GB.",
        change: { settings in
            nano(&settings)
            settings.schedule.length = .steps(3_650)
            // Of a grid of 6 x 6 or 3 x 3 patches the far side is no neighbor, and few patches weigh little.
            settings.objective.border = .inside
            settings.objective.patchWeight = 1
        })

    static let nanoPhotosDINO = Preset(
        name: "nano-photos-dino",
        trains: "The same without patch loss, DINO with attention pooling: 5,000 steps of 32 images for the same time.",
        command: "selfpatch pretrain --data DIR --output run --preset nano-photos-dino",
        time: "12 minutes of one core of an AMD EPYC (Zen 5).",
        memory: "Below 1 GB.",
        change: { settings in
            nano(&settings)
            settings.objective.patchWeight = 0
            settings.schedule.length = .steps(5_000)
        })

    static let nanoScenes = Preset(
        name: "nano-scenes",
        trains: "The Nano model on some thousand drawn scenes, as in the demo: 1,250 steps of 32 images.",
        command: "selfpatch pretrain --data DIR --output run --preset nano-scenes",
        time: "About 10 minutes of one CPU core.",
        memory: "Below 1 GB.",
        change: { settings in
            nano(&settings)
            settings.schedule.length = .steps(1_250)
            settings.optimizer.learningRate = 1e-3
            settings.teacher.momentum = 0.996
            settings.teacher.momentumEnd = 0.998
            // The colour of a scene's things is their kind's; what varies is the light.
            settings.views.hue = -0.02...0.02
            settings.views.firstGlobal.greyscale = 0
            settings.views.secondGlobal.greyscale = 0
            settings.views.local.greyscale = 0
            settings.views.secondGlobal.solarize = 0
        })

    /// For small views, small data and minutes: a slow and sharp teacher, centers set before the first step.
    private static func nano(_ settings: inout PretrainSettings) {
        settings.model.width = 96
        settings.model.depth = 4
        settings.model.heads = 3
        settings.model.patchSize = 8
        settings.model.dropPath = 0
        settings.views.globalSize = ViewSize(square: 48)
        settings.views.localSize = ViewSize(square: 24)
        settings.views.localCount = 4
        settings.views.blurRadius = 0.1...1.0
        settings.heads.imagePrototypes = 1_024
        settings.heads.patchPrototypes = 512
        settings.heads.hiddenWidth = 256
        settings.heads.bottleneck = 64
        settings.optimizer.learningRate = 7e-4
        settings.optimizer.learningRateBatch = 0
        settings.optimizer.warmup = .percent(10)
        settings.optimizer.weightDecayEnd = 0.2
        settings.optimizer.freezeLastLayer = .percent(2)
        settings.teacher.momentum = 0.998
        settings.teacher.momentumEnd = 0.998
        settings.teacher.temperature = 0.02
        settings.teacher.temperatureStart = 0.02
        settings.teacher.centerWarmupSteps = 10
        settings.schedule.batchSize = 32
        settings.run.checkpointEvery = .steps(500)
    }
}
