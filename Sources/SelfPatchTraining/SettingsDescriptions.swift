/// What each setting means, printed by `selfpatch settings` and written into a run's `settings.yaml`.
///
/// A test holds the names against the settings themselves: none is missing, none is left over.
package enum SettingsDescriptions {
    /// The text for a path such as `objective.patchWeight`, or for a section.
    package static subscript(path: String) -> String? { all[path] }

    package static let all: [String: String] = [
        "seed": "Everything random comes from this number: first weights, order of the images, views, drop path.",
        "device": "auto (a GPU if there is one), cpu, cuda, cuda:1, mps.",
        "precision": "Type of products: float32, bf16, or auto (bf16 on a GPU, float32 on a CPU).",
        "threads": "CPU threads; 0: as many as the machine has cores. Another number changes last digits.",

        "data": "The images.",
        "data.folder": "Folder of images, with any folders in it, or shards of `selfpatch pack`; no labels are needed.",
        "data.window":
            "Of shards so many are taken together that they hold this number of images, which are mixed. Folders are mixed whole.",
        "data.workers": "Threads that read images and cut views; 0: all cores but one. Their number changes no result.",
        "data.allowBroken":
            "Share of the images that may be unreadable before the run stops; others take their places.",
        "data.pixelLimit": "Images with more pixels than this count as unreadable.",

        "model": "The Vision Transformer. Channels: one for each number in views.mean.",
        "model.width": "Numbers a token. Nano 96, Tiny 192, Small 384, Base 768.",
        "model.depth": "Blocks. Nano 4, the others 12.",
        "model.heads": "Attention heads; they divide the width. Nano and Tiny 3, Small 6, Base 12.",
        "model.mlpRatio": "Hidden width of the MLPs over the width.",
        "model.patchSize": "Side of a patch in pixels.",
        "model.dropPath":
            "Share of the last block's branches that the student leaves out; earlier blocks in proportion.",
        "model.cutsOffRest": "Take views whose sides are no multiples of the patch, and do not look at the rest.",

        "heads": "The projection heads; small models and small data want small ones.",
        "heads.imagePrototypes": "Outputs of the image head.",
        "heads.patchPrototypes": "Outputs of the patch head.",
        "heads.hiddenWidth": "Width of the two hidden layers.",
        "heads.bottleneck":
            "Numbers before the last layer. Temperatures belong to it: a quarter of it wants twice the temperature.",
        "heads.learnedGain": "Learn the gains of the last layers; otherwise they stay 1.",

        "initial": "Weights to begin with, of this program or another; `selfpatch import --help` says which are known.",
        "initial.weights": "A run's folder, a file of weights or a model's folder. Empty: weights are drawn.",
        "initial.network": "Of a run or a training checkpoint: teacher or student.",
        "initial.heads": "Attention heads of these weights, where nothing in or beside them tells; 0: not told.",
        "initial.resize":
            "Resize their position table and patch embedding where the run's global view or patch is another.",

        "views": "What an image is turned into: two global views and some local ones.",
        "views.globalSize": "Height and width of the global views in pixels.",
        "views.localSize": "Height and width of the local views in pixels.",
        "views.localCount": "Local views an image; 0 is allowed.",
        "views.globalScale": "Share of the image's area that a global view shows.",
        "views.localScale": "Share of the image's area that a local view shows.",
        "views.aspect": "Width over height of what a view is cut from.",
        "views.firstGlobal": "Probabilities for the first global view.",
        "views.secondGlobal": "Probabilities for the second global view.",
        "views.local": "Probabilities for the local views.",
        "views.brightness": "Factors of the color jitter; 1 changes nothing.",
        "views.contrast": "As brightness.",
        "views.saturation": "As brightness.",
        "views.hue": "Shift of the hue in turns, from -0.5 to 0.5; 0 changes nothing.",
        "views.blurRadius":
            "Deviation of the blur in pixels of the view. Small views want less: 2 pixels erase one of 48.",
        "views.mean": "Mean of each channel, of pixels from 0 to 1. One number a channel.",
        "views.deviation": "Deviation of each channel.",

        "objective": "What is learned.",
        "objective.patchWeight":
            "Weight of the patch loss beside the image loss; 0 is DINO with attention pooling alone.",
        "objective.positiveCount": "Neighbours of a patch that make its target: the most similar ones of its window.",
        "objective.window": "Side of the window that they are chosen from, in patches; odd.",
        "objective.border": "wrap: the window goes on at the opposite side; inside: it ends at the border.",
        "objective.patchViews": "Views with a patch loss: all, or global.",
        "objective.patchShare": "Share of the patches that have a loss, drawn anew each step.",
        "objective.studentTemperature": "Temperature of the student's softmax.",
        "objective.centerMomentum": "What a center keeps of itself at each step.",

        "optimizer": "AdamW.",
        "optimizer.learningRate": "Highest learning rate, for learningRateBatch images a step.",
        "optimizer.learningRateBatch": "The learning rate grows in proportion to the batch from here; 0: it does not.",
        "optimizer.learningRateEnd": "Learning rate at the end of its cosine.",
        "optimizer.warmup": "Linear rise of the learning rate, in epochs, steps or % of the run.",
        "optimizer.weightDecay": "Weight decay at the start.",
        "optimizer.weightDecayEnd": "Weight decay at the end of its cosine.",
        "optimizer.clip": "Longest gradient of each parameter tensor; 0: any.",
        "optimizer.freezeLastLayer": "The heads' last layers do not learn at first, in epochs, steps or % of the run.",
        "optimizer.beta1": "AdamW's memory of the gradient.",
        "optimizer.beta2": "AdamW's memory of the squared gradient.",
        "optimizer.epsilon": "AdamW's smallest divisor.",

        "teacher": "The slow average of the student that gives the targets.",
        "teacher.momentum": "What the teacher keeps of itself at each step, at the start.",
        "teacher.momentumEnd": "The same at the end of its cosine. In a short run 1 leaves the teacher behind.",
        "teacher.temperature": "Temperature of the image targets; lower is sharper.",
        "teacher.temperatureStart":
            "Temperature of the image targets in the first epoch, if temperatureWarmupEpochs is above 0.",
        "teacher.patchTemperature": "Temperature of the patch targets; 0: that of the image targets.",
        "teacher.patchTemperatureStart":
            "As temperatureStart, for the patch targets; 0: patchTemperature, or temperatureStart where that is 0 too.",
        "teacher.temperatureWarmupEpochs": "Epochs in which the temperatures go from start to end in equal steps.",
        "teacher.centerWarmupSteps":
            "Batches that only the teacher sees before the first step, to set the centers; 0: none.",

        "schedule": "Length and batch.",
        "schedule.length": "Length of the run, in epochs or steps.",
        "schedule.batchSize": "Images a step.",
        "schedule.accumulation":
            "Parts that a step's images go through in, one after the other: less memory, same numbers.",
        "schedule.viewsInTurn": "Take the views through one after the other: less memory, same numbers.",
        "schedule.checkpointActivations":
            "Compute the student's blocks again for the backward: less memory, same numbers.",

        "evaluation":
            "Scores of the teacher during the run: k-NN on labelled images (one folder a class), and on labelled patches.",
        "evaluation.every": "How often; '0 epochs': never.",
        "evaluation.train": "Folder of the images that neighbours are looked for in.",
        "evaluation.validation": "Folder of the images that are classified.",
        "evaluation.patches":
            "Folder with images/training, images/validation and label maps in annotations/ (see `selfpatch segment`): patches are "
            + "labelled by their nearest labelled ones. Empty: none.",
        "evaluation.firstClass": "The first class's label in these maps; lower ones are no class.",
        "evaluation.ignored": "The label that stands for no class in these maps.",
        "evaluation.shortSide": "These images are resized to this shorter side.",

        "run": "Diaries, checkpoints, limits. None of these changes a result.",
        "run.logEvery": "Steps from one line of the log to the next.",
        "run.checkpointEvery":
            "How often everything is saved, in epochs, steps or % of the run; '0 steps': at the end only.",
        "run.keepNewest": "Checkpoints that are kept: the newest ones ...",
        "run.keepEvery": "... and every one whose place among all is a multiple of this; 0: no others.",
        "run.timeLimit": "Minutes after which the run saves and stops; 0: no limit.",

        "health": "Signs of collapse, averaged and compared with two bounds: where to warn, where to sound the alarm.",
        "health.isWatched": "Look at the signs.",
        "health.every": "Steps from one look to the next.",
        "health.averaged": "Looks that are averaged.",
        "health.quietStart": "The start of the run, in which nothing is judged.",
        "health.information": "Below: what the teacher says about an image, Hm - H in units of ln K.",
        "health.teacherEntropy": "Above: entropy of its targets, H.",
        "health.meanTeacherEntropy": "Below: entropy of the batch's mean target, Hm.",
        "health.divergence": "Below: divergence of the student from the teacher.",
        "health.summaryCosine": "Above: cosine between the summaries of different images.",
        "health.patchCosine": "Above: cosine between patches of one image; the first is an addition to its start.",
        "health.withinImageShare":
            "Below: share of the patches' variance within images; the first is a share of its start.",
        "health.centerNorm":
            "Above, after a fifth of the run: norm of the image center in units of the root of K/d; healthy runs reached 2.4.",
        "health.patchTeacherEntropy": "Above: entropy of the patch targets.",
        "health.patchMeanTeacherEntropy": "Below: entropy of the batch's mean patch target.",
        "health.patchDivergence": "Below: divergence of the patch predictions.",
        "health.gradientNorm": "Below, while H is above 0.85: norm of all gradients.",
    ].merging(chances) { text, _ in text }

    private static let chances: [String: String] = Dictionary(
        uniqueKeysWithValues: ["firstGlobal", "secondGlobal", "local"].flatMap { view in
            [
                ("views.\(view).flip", "Left and right change places."),
                ("views.\(view).jitter", "Brightness, contrast, saturation and hue change."),
                ("views.\(view).greyscale", "The color goes."),
                ("views.\(view).blur", "Gaussian blur."),
                ("views.\(view).solarize", "Bright levels turn round."),
            ]
        })
}
