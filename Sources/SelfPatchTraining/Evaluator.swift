import SelfPatchModel

/// Something that scores a network now and then during a run, such as k-NN accuracy on labelled images.
///
/// Evaluators are handed to the loop, which knows no more of them than this.
package protocol Evaluator {
    /// What the log calls it.
    var name: String { get }

    /// Scores a network that must not be changed, without gradients.
    ///
    /// - Parameter check: is called again and again, and throws where the scoring has to be left.
    func metrics(of network: Network, _ check: @escaping () throws -> Void) throws -> [Metric]
}
