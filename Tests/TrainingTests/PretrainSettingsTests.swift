import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import Testing

@Suite struct PretrainSettingsTests {
    /// Every setting is described, and nothing that is described is missing from the settings.
    @Test func everySettingHasItsDescription() throws {
        let tree = try SettingsTree(encoding: PretrainSettings())
        let sections = Set(
            tree.paths.flatMap { path in
                path.split(separator: ".").indices.dropFirst().map {
                    path.split(separator: ".")[..<$0].joined(separator: ".")
                }
            })
        let names = Set(tree.paths).union(sections)
        let described = Set(SettingsDescriptions.all.keys)
        #expect(names.subtracting(described).isEmpty, "not described: \(names.subtracting(described).sorted())")
        let alone: Set = ["seed", "device", "precision", "threads"]
        #expect(described.subtracting(names).isEmpty, "no such settings: \(described.subtracting(names).sorted())")
        #expect(alone.isSubset(of: names))
        for path in PretrainSettings.changeableSettings { #expect(names.contains(path), "\(path)") }
    }

    @Test(arguments: Preset.all.map(\.name)) func presetsAreValidAndComeBackFromTheirFile(name: String) throws {
        let settings = try Preset.named(name).settings
        try settings.validate()
        var tree = try SettingsTree(encoding: PretrainSettings())
        try tree.overlay(yaml: SettingsTree(encoding: settings).yaml { SettingsDescriptions[$0] }, source: "test")
        #expect(try tree.decode(PretrainSettings.self) == settings)
    }

    /// The defaults are the paper's and the reference's.
    @Test func defaultsAreThePapers() throws {
        let settings = try Preset.named("vit-small-imagenet").settings
        #expect(settings == PretrainSettings())
        #expect(settings.architecture == Architecture(width: 384, depth: 12, heads: 6))
        #expect(settings.schedule.length == .epochs(200) && settings.schedule.batchSize == 1024)
        #expect(
            settings.heads
                == HeadSizes(imagePrototypes: 65_536, patchPrototypes: 4096, hiddenWidth: 2048, bottleneck: 256))
        #expect(settings.objective.patchWeight == 0.1 && settings.objective.positiveCount == 4)
        let schedules = try Schedules(
            settings.schedule, settings.optimizer, settings.teacher, stepsPerEpoch: 1_281_167 / 1024)
        #expect(schedules.stepCount == 200 * 1251 && schedules.warmupSteps == 12_510)
        #expect(schedules[12_510].learningRate == 0.002)
    }

    func complaint(_ assignments: String..., images: Int = 2000) throws -> String {
        var tree = try SettingsTree(encoding: PretrainSettings())
        for assignment in assignments { try tree.set(assignment) }
        let error = #expect(throws: UserError.self) {
            let settings = try tree.decode(PretrainSettings.self)
            try settings.validate()
            try settings.validate(images: images)
        }
        #expect(error?.kind == .usage)
        return error?.message ?? ""
    }

    @Test func impossibleCombinationsAreRefusedWithWhatWouldDo() throws {
        #expect(
            try complaint("model.heads=5")
                == "model.heads is 5, which does not divide model.width, 384. 2, 3, 4 or 6 heads would.")
        #expect(
            try complaint("model.patchSize=15").hasPrefix(
                "model.patchSize is 15, which does not divide views.globalSize, 224 x 224 pixels. Views of [210, 210] or "
                    + "[225, 225] would do, or patches of 14 or 16; or cut off the rest of 14 rows and 14 columns"))
        #expect(try complaint("views.localSize=[8, 96]").contains("smaller than a patch of 16 x 16"))
        #expect(
            try complaint("objective.positiveCount=9")
                == "objective.positiveCount is 9, but a window of 3 x 3 has only 8 neighbours. At most 8 would do, or "
                + "objective.window=5.")
        #expect(try complaint("objective.window=4").contains("3 or 5 would do"))
        #expect(try complaint("objective.positiveCount=0").contains("between 1 and 8"))
        #expect(try complaint("views.localSize=[16, 16]").contains("a single patch of 16, which has no neighbours"))
        #expect(
            try complaint("data.folder=photos", images: 300).contains(
                "schedule.batchSize is 1024, but there are only 300 images in photos. Choose at most 300"))
        #expect(try complaint("schedule.length=5 epochs").contains("longer than the run"))
        #expect(try complaint("schedule.length=50 %").contains("in epochs or steps"))
        #expect(try complaint("schedule.accumulation=2000").contains("1 to 1024 parts"))
        #expect(try complaint("evaluation.every=1 epochs").contains("set evaluation.train"))
        #expect(try complaint("objective.border=outside").contains("takes one of 'wrap', 'inside', not 'outside'"))
        #expect(try complaint("precision=fp16").contains("takes one of 'auto', 'float32', 'bf16', not 'fp16'"))
        #expect(try complaint("health.information=[0.1]").contains("takes two"))
        #expect(try complaint("health.information=[0.05, 0.12]").contains("[0.12, 0.05] would do"))
        #expect(try complaint("health.summaryCosine=[0.8, 0.65]").contains("[0.65, 0.8] would do"))
        #expect(try complaint("schedule.length=10").contains("'10 epochs', '500 steps' or '10 %'"))
    }

    @Test(arguments: [
        "model.width=-384", "model.depth=0", "model.heads=0", "model.patchSize=0", "model.dropPath=1.5",
        "heads.bottleneck=0",
        "heads.imagePrototypes=-1", "views.localCount=-1", "views.globalSize=[0, 224]", "views.globalScale=[0.5, 0.25]",
        "views.deviation=[0, 1, 1]", "views.firstGlobal.flip=1.5", "objective.patchWeight=-1", "objective.patchShare=0",
        "objective.studentTemperature=0", "objective.centerMomentum=1.1", "optimizer.learningRate=-1",
        "optimizer.clip=-1",
        "optimizer.beta1=1", "optimizer.warmup=-1 epochs", "teacher.momentum=2", "teacher.temperature=0",
        "schedule.batchSize=0", "schedule.accumulation=0", "schedule.length=0 steps", "threads=-1",
        "data.allowBroken=2",
        "run.keepNewest=0", "run.timeLimit=-5", "model.width=1000000000000", "schedule.batchSize=99999999999",
    ])
    func absurdValuesAreRefused(assignment: String) throws {
        let message = try complaint(assignment)
        let name = try #require(assignment.split(separator: "=").first)
        #expect(message.contains(name) || message.contains("views."), "\(message)")
    }

    @Test func whatIsUnusualButPossibleIsAllowed() throws {
        var settings = PretrainSettings()
        settings.views.localCount = 0
        try settings.validate()
        settings.model.patchSize = 14
        settings.views.localSize = ViewSize(square: 1)  // There are none.
        try settings.validate()
        settings.objective.patchWeight = 0
        settings.objective.positiveCount = 100
        settings.views.globalSize = ViewSize(height: 14, width: 28)
        try settings.validate()
        settings.model.cutsOffRest = true
        settings.views.globalSize = ViewSize(height: 20, width: 33)
        try settings.validate()
        #expect(settings.globalGrid == Grid(rows: 1, columns: 2))
        settings.views.mean = [0.5]
        settings.views.deviation = [0.25]
        try settings.validate()
        #expect(settings.architecture.channels == 1)
    }

    @Test func unknownPresetsAreRefusedWithTheNearest() {
        let error = #expect(throws: UserError.self) { try Preset.named("nano-foto") }
        #expect(error?.message.contains("Did you mean 'nano-photos'?") == true)
    }
}
