/// The ten kinds of thing that `SceneGenerator` draws, each with a shape, a surface and a hue of its own.
///
/// The raw value is the class number of an image; a mask has the raw value plus one, for zero is ground.
package enum ThingKind: Int, CaseIterable, Sendable {
    case stripedDisc, checkedSquare, dottedTriangle, ringedStar, wavyRing
    case brickHexagon, marbledCross, rayedBlob, griddedEllipse, zigzagCrescent

    /// The words for a folder or a caption: `striped-disc`.
    package var name: String {
        switch self {
        case .stripedDisc: "striped-disc"
        case .checkedSquare: "checked-square"
        case .dottedTriangle: "dotted-triangle"
        case .ringedStar: "ringed-star"
        case .wavyRing: "wavy-ring"
        case .brickHexagon: "brick-hexagon"
        case .marbledCross: "marbled-cross"
        case .rayedBlob: "rayed-blob"
        case .griddedEllipse: "gridded-ellipse"
        case .zigzagCrescent: "zigzag-crescent"
        }
    }

    /// The middle of the hues of its things, in degrees; ten kinds stand 36 degrees apart.
    package var hue: Double { Double(rawValue) * 36 }

    /// What stands for this kind in a mask.
    package var maskValue: UInt8 { UInt8(rawValue + 1) }

    var shape: SceneShape {
        switch self {
        case .stripedDisc: .disc
        case .checkedSquare: .square
        case .dottedTriangle: .triangle
        case .ringedStar: .star
        case .wavyRing: .ring
        case .brickHexagon: .hexagon
        case .marbledCross: .cross
        case .rayedBlob: .blob
        case .griddedEllipse: .ellipse
        case .zigzagCrescent: .crescent
        }
    }

    var surface: SceneSurface {
        switch self {
        case .stripedDisc: .stripes
        case .checkedSquare: .checks
        case .dottedTriangle: .dots
        case .ringedStar: .rings
        case .wavyRing: .waves
        case .brickHexagon: .bricks
        case .marbledCross: .marble
        case .rayedBlob: .rays
        case .griddedEllipse: .grid
        case .zigzagCrescent: .zigzag
        }
    }
}
