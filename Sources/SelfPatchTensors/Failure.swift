import CSelfPatchTorch
import Foundation

/// An error that came back from libtorch, its native memory already freed.
struct Failure {
    let kind: sp_error_kind
    let message: String

    init?(_ native: UnsafeMutablePointer<sp_error>?) {
        guard let native else { return nil }
        kind = native.pointee.kind
        message = String(cString: native.pointee.message)
        sp_error_free(native)
    }

    /// Ends the program if there is a failure: a wrong shape is a mistake in this program, and no value can stand for its result.
    ///
    /// Running out of memory is the one failure that a setting causes: a sentence and exit code 1 instead of a trap. Checkpoints
    /// are whole by construction.
    static func stop(_ operation: @autoclosure () -> String, _ native: UnsafeMutablePointer<sp_error>?) {
        guard let failure = Failure(native) else { return }
        if failure.kind == SP_ERROR_OUT_OF_MEMORY {
            FileHandle.standardError.write(
                Data(
                    """
                    Out of memory in \(operation()): \(failure.message)
                    Smaller batches and fewer or smaller images at a time need less; so does training in more parts a step or with \
                    activations that are computed again: --help and `selfpatch settings` name what a command has. Earlier checkpoints are whole.

                    """.utf8))
            exit(1)
        }
        fatalError("\(operation()): \(failure.message)")
    }
}
