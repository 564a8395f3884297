import Testing

import SelfPatchData

@Suite struct SceneGeneratorTests {
    private static func plain() -> SceneGenerator.Settings {
        var settings = SceneGenerator.Settings()
        settings.groundSaturation = 0...0
        settings.clutter = 0...0
        settings.light = 1...1
        settings.lightSlope = 0
        settings.grain = 0...0
        settings.thingLight = 1...1
        return settings
    }

    @Test func sceneDependsOnSeedAndIndexAlone() {
        let first = SceneGenerator(seed: 7)
        let second = SceneGenerator(seed: 7)
        let forward = (0..<12).map { first.scene($0) }
        let backward = (0..<12).reversed().map { second.scene($0) }
        for (a, b) in zip(forward, backward.reversed()) {
            #expect(a.pixels == b.pixels)
            #expect(a.mask == b.mask)
        }
        #expect(SceneGenerator(seed: 8).scene(0).pixels != forward[0].pixels)
        #expect(forward[0].pixels != forward[10].pixels, "two scenes of one kind are different pictures")
    }

    @Test func kindsTakeTurns() {
        let generator = SceneGenerator(seed: 1)
        #expect((0..<10).map { generator.scene($0).kind } == ThingKind.allCases)
        #expect(Set(ThingKind.allCases.map(\.name)).count == 10)
    }

    @Test(arguments: 0..<30) func maskHoldsGroundAndTheSceneKind(index: Int) {
        let scene = SceneGenerator(seed: 3).scene(index)
        #expect(scene.mask.count == scene.pixels.height * scene.pixels.width)
        #expect(Set(scene.mask).isSubset(of: [0, scene.kind.maskValue]))
        let share = Double(scene.mask.count { $0 != 0 }) / Double(scene.mask.count)
        #expect(share > 0.01 && share < 0.9, "things cover \(share)")
    }

    /// On a grey ground without grain a pixel is coloured where the mask says so. Pixels beside a border of the mask may
    /// be between, and so may the few in which a sharp corner ends.
    @Test(arguments: 0..<30) func maskAgreesWithTheDrawnPixels(index: Int) {
        let scene = SceneGenerator(seed: 5, settings: Self.plain()).scene(index)
        let side = scene.pixels.width
        var compared = 0
        var wrong = 0
        for y in 1..<side - 1 {
            for x in 1..<side - 1 {
                let label = scene.mask[y * side + x]
                let isInner = (y - 1...y + 1).allSatisfy { row in
                    scene.mask[row * side + x - 1...row * side + x + 1].allSatisfy { $0 == label }
                }
                guard isInner else { continue }
                let channels = scene.pixels.bytes[(y * side + x) * 3..<(y * side + x) * 3 + 3]
                let isColored = Int(channels.max()!) - Int(channels.min()!) > 12
                compared += 1
                wrong += isColored == (label != 0) ? 0 : 1
            }
        }
        #expect(compared > side * side / 2)
        #expect(wrong * 1000 <= compared * 2, "\(wrong) of \(compared) pixels")
    }

    @Test func everyShapeHasAnInsideWithinItsReach() {
        for shape in SceneShape.allCases {
            var inside = 0
            for y in -30...30 {
                for x in -30...30 {
                    let (u, v) = (Float(x) / 20, Float(y) / 20)
                    let isInside = shape.depth(u, v, wobble: (1, 2)) > 0
                    #expect(!isInside || u * u + v * v < 1.2 * 1.2, "\(shape) at \(u), \(v)")
                    inside += isInside ? 1 : 0
                }
            }
            #expect(inside > 200, "\(shape) has \(inside) points of 3,721 inside")
        }
    }

    /// Kinds are told by their pattern, not by being lighter than others.
    @Test func everySurfaceShowsBothTones() {
        for surface in SceneSurface.allCases {
            let tones: [Float] = (0..<4096).map { place in
                let u = Float(place % 64) / 10 - 3.2
                let v = Float(place / 64) / 10 - 3.2
                return surface.tone(u, v, noise: Float(place % 7) / 7)
            }
            #expect(tones.allSatisfy { 0...1 ~= $0 })
            let mean = tones.reduce(0, +) / Float(tones.count)
            #expect(mean > 0.2 && mean < 0.8, "\(surface) has a mean tone of \(mean)")
        }
    }

    @Test func settingsShapeTheScene() {
        var settings = Self.plain()
        settings.side = 33
        settings.things = 1...1
        settings.reach = 0.9...0.9
        let large = SceneGenerator(seed: 2, settings: settings).scene(0)
        #expect(large.pixels.height == 33 && large.pixels.width == 33)
        settings.reach = 0.3...0.3
        let small = SceneGenerator(seed: 2, settings: settings).scene(0)
        #expect(large.mask.count { $0 != 0 } > 4 * small.mask.count { $0 != 0 })
    }
}
