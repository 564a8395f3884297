import Foundation
import SelfPatchTensors

/// A drawn picture and what is in it.
package struct Scene: Sendable {
    /// Three channels.
    package let pixels: Pixels
    /// The kind of all things in the scene: the image's class.
    package let kind: ThingKind
    /// `height * width` values, rows from the top: 0 is ground, `kind.maskValue` a thing.
    package let mask: [UInt8]

    /// The mask as a picture of one channel.
    package var maskPixels: Pixels { Pixels(height: pixels.height, width: pixels.width, channels: 1, bytes: mask) }
}

/// Draws scenes whose labels are known: textured things of one kind on a textured ground, in varied light.
///
/// A scene holds a few things of one kind, each with its own size, turn, place and period of its surface. The kind decides
/// shape, surface and (within `hueDeviation`) hue. Hues matter: where all colours are random, a scene's palette tells its
/// views from those of others, and that is all a network learns in minutes. The ground is mixed from three muted colours
/// by two smooth noises; plain ellipses lie about as clutter; then come brightness, a linear slope of light, and grain.
///
/// A scene depends on `seed` and its index alone, never on those drawn before.
package struct SceneGenerator: Sendable {
    package struct Settings: Equatable, Sendable {
        /// Side of the square picture in pixels.
        package var side = 96
        /// How many things a scene holds.
        package var things = 4...8
        /// Reach of a thing from its middle, as a share of half the side.
        package var reach = 0.35...0.7
        /// Period of a surface's pattern in pixels.
        package var period = 7.0...12.0
        /// Deviation of a thing's hue from its kind's, in degrees.
        package var hueDeviation = 16.0
        /// Saturation of a thing's two tones.
        package var saturation = 0.4...0.8
        /// Factor on both tones of a thing: things of one scene are lit differently.
        package var thingLight = 0.3...1.0
        /// Saturation of the ground's and the clutter's colours.
        package var groundSaturation = 0.0...0.25
        /// How many plain ellipses lie on the ground.
        package var clutter = 0...3
        /// Factor on all channels.
        package var light = 0.25...1.3
        /// Largest relative change of the light from one edge of the picture to the other.
        package var lightSlope = 0.8
        /// Deviation of the grain, in 1/255.
        package var grain = 2.0...10.0

        package init() {}
    }

    package let seed: UInt64
    package let settings: Settings

    package init(seed: UInt64, settings: Settings = Settings()) {
        self.seed = seed
        self.settings = settings
    }

    /// Draws scene `index`; the kinds take turns, so that any ten scenes in a row hold each once.
    package func scene(_ index: Int) -> Scene {
        let kind = ThingKind.allCases[index % ThingKind.allCases.count]
        var generator = KeyedGenerator(seed, 0x5CE2E, UInt64(index))
        var canvas = SceneCanvas(side: settings.side)
        canvas.paintGround(saturation: settings.groundSaturation, generator: &generator)
        for _ in 0..<generator.integer(in: settings.clutter) {
            canvas.paintClutter(saturation: settings.groundSaturation, generator: &generator)
        }
        let count = generator.integer(in: settings.things)
        for _ in 0..<count {
            // Where several share the picture each is a little smaller, so that they do not cover one another.
            let reach = generator.uniform(in: settings.reach) / Double(count).squareRoot().squareRoot()
            canvas.paint(kind, reach: reach, settings: settings, generator: &generator)
        }
        canvas.light(settings, generator: &generator)
        return Scene(pixels: canvas.pixels(), kind: kind, mask: canvas.mask)
    }
}
