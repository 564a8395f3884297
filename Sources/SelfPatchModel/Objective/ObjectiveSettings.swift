import SelfPatchFormats

/// What is learned: the image loss of DINO and the patch loss of SelfPatch.
public struct ObjectiveSettings: Codable, Equatable, Sendable {
    /// Weight of the patch loss beside the image loss, lambda; 0 is DINO with attention pooling alone.
    public var patchWeight = 0.1
    /// Positives of a patch, k.
    public var positiveCount = 4
    /// Side of the window that positives are chosen from; odd.
    public var window = 3
    /// What the window does at the border of the grid.
    public var border = Border.wrap
    /// The views that have a patch loss; the reference takes all.
    public var patchViews = PatchViews.all
    /// Share of the patches of each view that have a loss, drawn anew each step; 1 is the reference.
    public var patchShare = 1.0
    /// Temperature of the student's softmaxes.
    public var studentTemperature = 0.1
    /// What a centre keeps of itself in a step.
    public var centerMomentum = 0.9

    public init() {}

    /// Which views have a patch loss.
    public enum PatchViews: String, SettingsChoice {
        /// Every view.
        case all
        /// The two global ones; the teacher then sees no others, and both centres run over these.
        case global
    }

    /// Whether there is a patch loss at all.
    public var hasPatchLoss: Bool { patchWeight > 0 }
    /// Whether the teacher sees the local views too: their patch targets, and with them their part of both centres.
    public var teacherSeesLocalViews: Bool { hasPatchLoss && patchViews == .all }
}
