import ArgumentParser
import SelfPatchData

/// The size at which features are taken of images.
struct ViewOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The view that is taken, in pixels: 448, or 320x480 (height x width). (default: that of the training)",
            valueName: "size"))
    var size: ViewSize?
}

extension ViewSize: ExpressibleByArgument {
    /// A side, or height x width.
    public init?(argument: String) {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard (1...2).contains(sides.count), sides.allSatisfy({ (1...65_536).contains($0) }) else { return nil }
        self.init(height: sides[0], width: sides[sides.count - 1])
    }
}
