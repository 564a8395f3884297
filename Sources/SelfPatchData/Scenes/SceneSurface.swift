import Foundation

/// A pattern of two tones. All are about equally light on average, so that a kind is told by its pattern, not by its
/// mean brightness.
package enum SceneSurface: CaseIterable {
    case stripes, checks, dots, rings, waves, bricks, marble, rays, grid, zigzag

    /// The share of the second tone, 0 ... 1.
    ///
    /// - Parameters:
    ///   - u: the point across, in units of the pattern's period, turned with the thing.
    ///   - v: the point down, as `u`.
    ///   - noise: a smooth random value in 0 ... 1 at this point, for marble.
    package func tone(_ u: Float, _ v: Float, noise: Float) -> Float {
        switch self {
        case .stripes:
            return band(u)
        case .checks:
            return soft(wave(u * 0.7) * wave(v * 0.7) * 3)
        case .dots:
            let row = v.rounded()
            let shifted = row.truncatingRemainder(dividingBy: 2) == 0 ? u : u + 0.5
            let du = shifted - shifted.rounded()
            let dv = v - row
            return soft((0.38 - (du * du + dv * dv).squareRoot()) * 10)
        case .rings:
            return band((u * u + v * v).squareRoot())
        case .waves:
            return band(v + 0.35 * wave(u * 0.5))
        case .bricks:
            let row = v.rounded()
            let shifted = u * 0.5 + (row.truncatingRemainder(dividingBy: 2) == 0 ? 0 : 0.5)
            let gap = min(0.5 - abs(v - row), 2 * (0.5 - abs(shifted - shifted.rounded())))
            return soft((gap - 0.15) * 10)
        case .marble:
            return band(u * 0.5 + 2.2 * noise)
        case .rays:
            return band(atan2f(v, u) * (9 / (2 * .pi)))
        case .grid:
            let gap = min(abs(u - u.rounded()), abs(v - v.rounded()))
            return soft((gap - 0.14) * 10)
        case .zigzag:
            return band(v + abs(u * 0.8 - (u * 0.8).rounded()) * 1.6)
        }
    }

    /// Stripes of period 1 with soft edges.
    private func band(_ x: Float) -> Float { soft(wave(x) * 3) }

    private func wave(_ x: Float) -> Float { sinf(2 * .pi * x) }

    private func soft(_ x: Float) -> Float { min(max(0.5 + 0.5 * x, 0), 1) }
}
