import SelfPatchFormats

/// Why an image cannot be used: a kind that programs can tell apart, and a few words for people.
public struct ImageProblem: Error, Equatable, Sendable {
    /// The kinds, with the words that lists and JSON use.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        case empty
        case truncated
        case corrupt
        case unsupported
        case tooLarge = "too_large"
        /// Readable, but with fewer pixels than a patch of the model has.
        case tooSmall = "too_small"
        case notAnImage = "not_an_image"
        case notAFile = "not_a_file"
        case danglingLink = "dangling_link"
        case linkLoop = "link_loop"
        case noPermission = "no_permission"
        case notFound = "not_found"
        case badName = "bad_name"
        /// Readable, but with another number of channels than the model takes.
        case wrongChannels = "wrong_channels"
        /// The disk, the network or the memory failed, which may be different at the next try.
        case unreadable
    }

    public let reason: Reason
    /// Continues a sentence that begins with the file's name: "ends after 20 bytes, before the picture is complete".
    public let detail: String

    package init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// The same as the program's own kind of error, with the file's name.
    package func userError(file: String) -> UserError {
        UserError("The image \(PrintableName.of(file)) cannot be used: it \(detail).")
    }
}
