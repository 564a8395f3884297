import Foundation
import SelfPatchFormats
import Testing

@Suite struct SettingsTreeTests {
    struct Settings: Codable, Equatable {
        enum Border: String, SettingsChoice { case wrap, inside }
        struct Objective: Codable, Equatable {
            var patchWeight = 0.1
            var window = 3
            var border = Border.wrap
        }
        struct Views: Codable, Equatable {
            var size = [224, 224]
            var scale = 0.25...1.0
            var mean = [0.485, 0.456]
        }
        var seed: UInt64 = 0
        var rate = 1.0
        var share: Float = 0.1
        var name = "plain"
        var resume = false
        var objective = Objective()
        var views = Views()
    }

    func tree() throws -> SettingsTree { try SettingsTree(encoding: Settings()) }

    func complaint(_ body: (inout SettingsTree) throws -> Void) throws -> String {
        var tree = try tree()
        let error = #expect(throws: UserError.self) { try body(&tree) }
        #expect(error?.kind == .usage)
        return error?.message ?? ""
    }

    @Test func defaultsComeBackAsTheyWere() throws {
        #expect(try tree().decode(Settings.self) == Settings())
        var again = try tree()
        try again.overlay(yaml: tree().yaml { "about \($0)\nand more" }, source: "test")
        #expect(try again == tree())
    }

    @Test func pathsAreListedInOrder() throws {
        #expect(
            try tree().paths == [
                "seed", "rate", "share", "name", "resume", "objective.patchWeight", "objective.window",
                "objective.border", "views.size", "views.scale", "views.mean",
            ])
    }

    @Test func filesAndAssignmentsReplaceValues() throws {
        var tree = try tree()
        try tree.overlay(
            yaml: "objective:\n  patchWeight: 1e-3\n  border: inside\nviews:\n  size: [96, 128]\nseed: 12\n",
            source: "f")
        try tree.set("rate=2")
        try tree.set(" resume = yes ")
        try tree.set("name=a: [b], 1=2")
        try tree.set("views.scale=[0.1, 0.5]")
        try tree.overlay(yaml: "", source: "empty")
        try tree.overlay(yaml: "objective:\n", source: "commented out")
        var wanted = Settings()
        wanted.objective = .init(patchWeight: 0.001, window: 3, border: .inside)
        wanted.views.size = [96, 128]
        wanted.views.scale = 0.1...0.5
        wanted.seed = 12
        wanted.rate = 2
        wanted.resume = true
        wanted.name = "a: [b], 1=2"
        #expect(try tree.decode(Settings.self) == wanted)
        #expect(
            try self.tree().differences(to: tree).map(\.path) == [
                "seed", "rate", "name", "resume", "objective.patchWeight", "objective.border", "views.size",
                "views.scale",
            ])
        #expect(
            try self.tree().differences(to: tree)[4]
                == .init(path: "objective.patchWeight", before: "0.1", after: "0.001"))
    }

    @Test func unknownKeysAreRefusedWithTheNearest() throws {
        #expect(
            try complaint { try $0.set("objective.patchWeigth=1") }
                == "--set objective.patchWeigth=1: unknown setting 'objective.patchWeigth'. Did you mean 'objective.patchWeight'?"
        )
        #expect(
            try complaint { try $0.overlay(yaml: "seed: 1\nobjective:\n  windw: 3\n", source: "my.yaml") }
                == "my.yaml, line 3: unknown setting 'objective.windw'. Did you mean 'objective.window'?")
        #expect(try complaint { try $0.set("patchWeight=1") }.hasSuffix("Did you mean 'objective.patchWeight'?"))
        #expect(try complaint { try $0.set("objectve.window=1") }.hasSuffix("Did you mean 'objective'?"))
        #expect(try complaint { try $0.set("seed.x=1") }.contains("unknown setting 'seed.x'"))
        #expect(
            try complaint { try $0.set("objective.zzzzzz=1") }.hasSuffix(
                "There are: 'objective.patchWeight', 'objective.window', 'objective.border'."))
    }

    @Test func wrongKindsAreRefusedWithWhatIsAllowed() throws {
        #expect(
            try complaint { try $0.set("objective.window=three") }
                == "--set objective.window=three: setting 'objective.window' takes a whole number such as 3, not 'three'."
        )
        #expect(try complaint { try $0.set("objective.window=3.5") }.contains("a whole number"))
        #expect(try complaint { try $0.set("seed=99999999999999999999") }.contains("a whole number"))
        #expect(try complaint { try $0.set("rate=nan") }.contains("a number such as 1, not 'nan'"))
        #expect(try complaint { try $0.set("rate=") }.contains("a number such as 1"))
        #expect(try complaint { try $0.set("resume=2") }.contains("true or false such as false, not '2'"))
        #expect(
            try complaint { try $0.set("views.size=96") }.contains(
                "a list of whole numbers such as [224, 224], not '96'"))
        #expect(try complaint { try $0.set("views.size=[96, x]") }.contains("'views.size[1]' takes a whole number"))
        #expect(try complaint { try $0.set("objective=3") }.contains("is a section of settings"))
        #expect(
            try complaint { try $0.overlay(yaml: "objective: 3", source: "f") }.contains(
                "f, line 1: 'objective' is a section"))
        #expect(try complaint { try $0.set("objective") }.contains("with '=' between"))
        #expect(
            try complaint { tree in
                try tree.set("objective.border=outside")
                _ = try tree.decode(Settings.self)
            } == "Setting 'objective.border': takes one of 'wrap', 'inside', not 'outside'.")
    }

    @Test func textThatIsNoYAMLIsRefusedWithItsLine() throws {
        #expect(
            try complaint { try $0.overlay(yaml: "seed: 1\n  rate: [", source: "f.yaml") }.hasPrefix("f.yaml, line "))
        #expect(
            try complaint { try $0.overlay(yaml: "seed: 1\nseed: 2\n", source: "f.yaml") }.contains(
                "'seed' stands there twice"))
        #expect(
            try complaint { try $0.overlay(yaml: "- 1\n- 2\n", source: "f.yaml") }.hasPrefix(
                "f.yaml: settings are lines"))
        let missing = #expect(throws: UserError.self) {
            var tree = try tree()
            try tree.overlay(file: "/no/such.yaml")
        }
        #expect(missing?.message == "Cannot read /no/such.yaml: there is no such file or folder.")
    }

    @Test(arguments: [
        "", " ", "yes", "1", "1e5", "a b", " a", "-", "a: b", "#x", "auto", "cuda:1", "200 epochs", "10 %",
        "/data/my images",
        "tab\there", "line\nbreak", "quo\"te\\", "ünïcode", "日本", "null", "~", "[1]", "{a: 1}", "*x", "&x", "!x", "%x",
        "@x", "`x",
        "'", "\u{85}", "\u{2028}", "=", "<<", ".inf", "0x10", "2026-01-01", "12:30",
    ])
    func everyTextSurvivesTheFile(text: String) throws {
        var settings = Settings()
        settings.name = text
        var tree = try tree()
        try tree.overlay(yaml: SettingsTree(encoding: settings).yaml(), source: "test")
        #expect(try tree.decode(Settings.self).name == text)
        try tree.set("name", to: text, source: "test")
        #expect(try tree.decode(Settings.self).name == text)
    }

    @Test(arguments: [
        0, 0.1, 1e-6, 1e-300, Double.leastNonzeroMagnitude, 1.7976931348623157e308, -3, 0.1 + 0.2, 1e15,
        123456789012345680, 2e22,
    ])
    func everyNumberSurvivesTheFile(number: Double) throws {
        var settings = Settings()
        settings.rate = number
        var tree = try tree()
        try tree.overlay(yaml: SettingsTree(encoding: settings).yaml(), source: "test")
        #expect(try tree.decode(Settings.self).rate == number)
    }

    @Test func nearestNamesCountSwapsAsOneEdit() {
        #expect(NearestName.of("vit-smal-imagenet", among: ["vit-small-imagenet", "nano"]) == "vit-small-imagenet")
        #expect(NearestName.of("abc", among: ["xyz"]) == nil)
        #expect(NearestName.of("nnao", among: ["mean", "nano"]) == "nano")
        #expect(NearestName.of("x", among: []) == nil)
    }
}
