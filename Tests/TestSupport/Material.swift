import Foundation
import Testing

/// A file or folder that a test needs and that not every machine has.
///
/// A test says so with a trait, `@Test(.requires(SharedData.imagenette))`, and takes the path inside. Where the material
/// is absent the test is skipped and the run prints why. Where it has to be there (see `absenceIsAllowed`) the test fails.
package struct Material: Sendable {
    /// Where it lies; nil where it is absent.
    package let path: String?
    /// Why it is absent, in words; nil where it is there.
    package let absence: String?
    /// True where somebody chose to go without it, for example by naming a root of goldens that lacks it.
    package let absenceIsChosen: Bool

    package static func present(_ path: String) -> Material {
        Material(path: path, absence: nil, absenceIsChosen: false)
    }

    package static func absent(_ reason: String, chosen: Bool = false) -> Material {
        Material(path: nil, absence: reason, absenceIsChosen: chosen)
    }

    /// Whether a test may be skipped for want of this material.
    ///
    /// On a user's machine always. With `CI=true` a missing folder means that the machine is not what it should be, so
    /// tests fail, unless the absence was chosen or `SELFPATCH_SKIPS=allow` is set (a fork's own CI has no test data).
    package var absenceIsAllowed: Bool {
        absenceIsChosen || environment("CI") != "true" || environment("SELFPATCH_SKIPS") == "allow"
    }
}

extension Trait where Self == ConditionTrait {
    /// Marks a test that takes minutes: it runs with `CI=true` or `SELFPATCH_SLOW=1`.
    package static var slow: Self {
        .enabled(
            if: environment("CI") == "true" || environment("SELFPATCH_SLOW") == "1",
            "takes minutes; SELFPATCH_SLOW=1 runs it")
    }

    /// Runs the test only where the material is; otherwise skips it with the reason, or fails it where a skip is not allowed.
    package static func requires(
        _ material: @autoclosure @escaping @Sendable () -> Material, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Self {
        let material = material()
        return .enabled(
            if: try isThere(material), Comment(rawValue: material.absence ?? "present"), sourceLocation: sourceLocation)
    }
}

private func isThere(_ material: Material) throws -> Bool {
    if material.path != nil { return true }
    if material.absenceIsAllowed { return false }
    throw MissingMaterial(reason: material.absence ?? "")
}

/// Fails a test whose material has to be there.
private struct MissingMaterial: Error, CustomStringConvertible {
    let reason: String
    var description: String {
        "\(reason) With CI=true this is a failure; SELFPATCH_SKIPS=allow makes it a skip."
    }
}
