import Foundation
import SelfPatchData
import SelfPatchFormats
import Testing

struct MultiCropSettingsTests {
    @Test func defaultsAreValidAndSurviveCoding() throws {
        let settings = MultiCropSettings()
        try settings.validate()
        let coded = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(MultiCropSettings.self, from: coded) == settings)
        #expect(String(decoding: coded, as: UTF8.self).contains("\"globalSize\":[224,224]"))
    }

    @Test func sizesAreTwoNumbersOrOne() throws {
        func size(_ text: String) throws -> ViewSize {
            try JSONDecoder().decode([ViewSize].self, from: Data("[\(text)]".utf8))[0]
        }
        #expect(try size("96") == ViewSize(height: 96, width: 96))
        #expect(try size("[112, 448]") == ViewSize(height: 112, width: 448))
        #expect(throws: DecodingError.self) { try size("[1, 2, 3]") }
        #expect(throws: DecodingError.self) { try size("\"96\"") }
    }

    static let refused: [(String, @Sendable (inout MultiCropSettings) -> Void)] = [
        ("views.globalSize is 0 x 224", { $0.globalSize.height = 0 }),
        ("views.localSize is 96 x 20000", { $0.localSize.width = 20_000 }),
        ("views.localCount is -1", { $0.localCount = -1 }),
        ("views.globalScale is [0.5, 1.5]", { $0.globalScale = 0.5...1.5 }),
        ("views.localScale is 0.0...0.0", { $0.localScale = 0...0 }),
        ("views.aspect is [0.0, 1.0]", { $0.aspect = 0...1 }),
        ("views.secondGlobal.solarize is 1.2", { $0.secondGlobal.solarize = 1.2 }),
        ("views.local.flip is nan", { $0.local.flip = .nan }),
        ("views.contrast is [-0.5, 1.0]", { $0.contrast = -0.5...1 }),
        ("views.hue is [-0.6, 0.1]", { $0.hue = -0.6...0.1 }),
        ("views.blurRadius is [-1.0, 2.0]", { $0.blurRadius = -1...2 }),
        ("views.mean has 2 numbers and views.deviation 3", { $0.mean = [0.5, 0.5] }),
        ("deviations must be above 0", { $0.deviation[1] = 0 }),
    ]

    @Test(arguments: refused.indices) func refusesWhatCannotBe(index: Int) throws {
        let (words, change) = Self.refused[index]
        var settings = MultiCropSettings()
        change(&settings)
        let error = #expect(throws: UserError.self) { try settings.validate() }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.kind == .usage)
    }
}
