import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining
import Testing

@Suite struct HealthTests {
    /// The signs of a healthy run on photographs (32 images, 1,024 outputs), which single steps depart from.
    static func signs(
        entropy: Double = 0.47, meanEntropy: Double = 0.75, divergence: Double = 0.21, images: Double = 0.35,
        patches: Double = 0.3, within: Double = 0.7
    ) -> StepReport {
        var report = StepReport()
        report.gradientNorm = 2
        report.imageSigns = .init(entropy: entropy, meanEntropy: meanEntropy, divergence: divergence)
        report.patchSigns = .init(entropy: 0.1, meanEntropy: 0.36, divergence: 0.09)
        report.likeness = .init(images: images, patches: patches, varianceWithinImages: within)
        report.imageCenterNorm = 3.2
        report.patchCenterNorm = 1.9
        return report
    }

    func words(_ report: (Int) -> StepReport, steps: Int = 100) throws -> [String] {
        var health = Health()
        let heads = HeadSizes(imagePrototypes: 1024, patchPrototypes: 512, hiddenWidth: 256, bottleneck: 64)
        return try (1...steps).flatMap { step in
            health.watch(
                try #require(HealthSigns(report(step), heads: heads)), step: step, stepCount: 100, stepsPerEpoch: 10,
                views: 64, imageOutputs: 1024, settings: HealthSettings())
        }
    }

    @Test func aHealthyRunIsSilent() throws {
        #expect(try words { _ in Self.signs() } == [])
    }

    @Test func driftToUniformIsSaidInWords() throws {
        let said = try words { step in
            let drift = min(1, Double(step) / 60)
            return Self.signs(
                entropy: 0.5 + 0.47 * drift, meanEntropy: 0.75 + 0.235 * drift, divergence: 0.2 - 0.19 * drift)
        }
        #expect(
            said.contains {
                $0.hasPrefix("Health, warning: teacher entropy (H)") && $0.contains("lower teacher.temperature")
            })
        #expect(said.contains { $0.hasPrefix("Health, ALARM: teacher entropy (H)") })
        #expect(said.contains { $0.hasPrefix("Health, ALARM: what the teacher says about an image") })
        #expect(
            said.contains {
                $0.hasPrefix("Health, ALARM: divergence of student from teacher") && $0.contains("uniform")
            })
        #expect(said.count < 10, "each level is said once: \(said)")
    }

    @Test func alikePatchesAreSelfPatchsOwnCollapse() throws {
        let said = try words { step in
            Self.signs(patches: step < 40 ? 0.4 : 0.95, within: step < 40 ? 0.6 : 0.05)
        }
        #expect(said.contains { $0.contains("ALARM: cosine between patches") && $0.contains("objective.patchWeight") })
        #expect(said.contains { $0.contains("ALARM: within-image share") })
    }

    @Test func aSingleBadBatchIsNoAlarmAndRecoveryIsSaid() throws {
        #expect(try words { Self.signs(images: $0 == 50 ? 0.99 : 0.35) } == [])
        let said = try words { Self.signs(images: (30..<60).contains($0) ? 0.9 : 0.35) }
        #expect(said.count == 4, "\(said)")  // warning, alarm, better, fine
        #expect(said.last == "Health: cosine between image summaries is fine again, at 0.57.")
    }

    @Test func nothingIsJudgedAtTheStart() throws {
        #expect(try words({ Self.signs(entropy: $0 < 4 ? 1 : 0.47) }, steps: 5) == [])
    }

    @Test func stepsThatWereNotWatchedHaveNoSigns() {
        #expect(HealthSigns(StepReport(), heads: HeadSizes()) == nil)
    }
}
