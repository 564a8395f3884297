import SelfPatchFormats
import SelfPatchTensors

/// What of an image a linear classifier is given.
package enum ProbeFeature: String, SettingsChoice {
    case summary
    case meanPatch = "mean-patch"
    /// Summary and mean patch side by side.
    case both

    /// `[images, numbers]`
    func of(summary: Tensor, meanPatch: Tensor) -> Tensor {
        switch self {
        case .summary: summary
        case .meanPatch: meanPatch
        case .both: .concatenated([summary, meanPatch], dimension: 1)
        }
    }

    /// Numbers that stand for an image.
    func width(_ network: Int, blocks: Int) -> Int { network * blocks * (self == .both ? 2 : 1) }
}
