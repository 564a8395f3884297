import SelfPatchFormats

/// What is learned: the image loss of DINO and the patch loss of SelfPatch.
package struct ObjectiveSettings: Codable, Equatable, Sendable {
    /// Weight of the patch loss beside the image loss, lambda; 0 is DINO with attention pooling alone.
    package var patchWeight = 0.1
    /// Positives of a patch, k.
    package var positiveCount = 4
    /// Side of the window that positives are chosen from; odd.
    package var window = 3
    /// What the window does at the border of the grid.
    package var border = Border.wrap
    /// The views that have a patch loss; the reference takes all.
    package var patchViews = PatchViews.all
    /// Share of the patches of each view that have a loss, drawn anew each step; 1 is the reference.
    package var patchShare = 1.0
    /// Temperature of the student's softmaxes.
    package var studentTemperature = 0.1
    /// What a centre keeps of itself in a step.
    package var centerMomentum = 0.9

    package init() {}

    /// Which views have a patch loss.
    package enum PatchViews: String, SettingsChoice {
        /// Every view.
        case all
        /// The two global ones; the teacher then sees no others, and both centres run over these.
        case global
    }

    /// Whether there is a patch loss at all.
    package var hasPatchLoss: Bool { patchWeight > 0 }
    /// Whether the teacher sees the local views too: their patch targets, and with them their part of both centres.
    package var teacherSeesLocalViews: Bool { hasPatchLoss && patchViews == .all }
}
