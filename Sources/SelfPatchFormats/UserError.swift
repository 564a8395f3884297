/// Something that a user's file, setting or machine caused: one sentence or a few that say what, where, and what to do.
///
/// It is printed at one place, in the program's `main`, without a stack trace.
public struct UserError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong, which decides the program's exit code.
    public enum Kind: Sendable {
        /// The command line or the settings cannot be obeyed; exit code 64, as `EX_USAGE`.
        case usage
        /// A file, a disk, a device or the data; exit code 1.
        case failure
    }

    public let message: String
    public let kind: Kind

    public init(_ message: String, kind: Kind = .failure) {
        self.message = message
        self.kind = kind
    }

    public var description: String { message }
    package var exitCode: Int32 { kind == .usage ? 64 : 1 }
}
