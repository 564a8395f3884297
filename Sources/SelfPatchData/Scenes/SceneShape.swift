import Foundation

/// An outline around the origin that reaches about 1 from it.
package enum SceneShape: CaseIterable {
    case disc, square, triangle, star, ring, hexagon, cross, blob, ellipse, crescent

    /// How far inside the outline a point lies: positive inside, 0 on it, negative outside, in the unit of the
    /// coordinates. Near the outline it is close to the distance, which is what soft edges need; elsewhere only the sign
    /// counts.
    ///
    /// - Parameter wobble: two angles that give each blob a form of its own; the others ignore it.
    package func depth(_ u: Float, _ v: Float, wobble: (Float, Float)) -> Float {
        switch self {
        case .disc:
            return 0.95 - length(u, v)
        case .square:
            return 0.82 - max(abs(u), abs(v))
        case .triangle:
            let slanted = 0.866_025_4 * abs(u) - 0.5 * v
            return 0.58 - max(v, slanted)
        case .star:
            return star(u, v)
        case .ring:
            return 0.3 - abs(length(u, v) - 0.68)
        case .hexagon:
            return 0.85 - max(abs(v), 0.866_025_4 * abs(u) + 0.5 * abs(v))
        case .cross:
            let upright = min(0.36 - abs(u), 0.98 - abs(v))
            let lying = min(0.98 - abs(u), 0.36 - abs(v))
            return max(upright, lying)
        case .blob:
            let angle = atan2f(v, u)
            return 0.74 + 0.16 * sinf(3 * angle + wobble.0) + 0.09 * sinf(5 * angle + wobble.1) - length(u, v)
        case .ellipse:
            return 0.56 * (1 - length(u, v / 0.56))
        case .crescent:
            return min(0.98 - length(u, v), length(u - 0.5, v) - 0.68)
        }
    }

    private func length(_ u: Float, _ v: Float) -> Float { (u * u + v * v).squareRoot() }

    /// Five points: the plane is folded into one tenth, where the outline is a straight line from the outer to the inner
    /// corner.
    private func star(_ u: Float, _ v: Float) -> Float {
        let tenth = Float.pi / 5
        let radius = length(u, v)
        var angle = atan2f(v, u)
        angle = abs(angle - 2 * tenth * (angle / (2 * tenth)).rounded())
        let x = radius * cosf(angle)
        let y = radius * sinf(angle)
        let inner: Float = 0.5
        let dx = inner * cosf(tenth) - 1
        let dy = inner * sinf(tenth)
        return (y * dx - (x - 1) * dy) / (dx * dx + dy * dy).squareRoot()
    }
}
