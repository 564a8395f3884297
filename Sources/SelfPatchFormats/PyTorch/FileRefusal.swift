/// Why a reader refused a file: a kind that tests can tell apart, and words for the file's user.
package struct FileRefusal: Error, Equatable, Sendable {
    package enum Reason: String, Sendable {
        case truncated
        case tooLarge = "too-large"
        case tooDeep = "too-deep"
        case recursive
        case notACheckpoint = "not-a-checkpoint"
        case torchScript = "torchscript"
        case badZip = "bad-zip"
        case badPath = "bad-path"
        case duplicate
        case overlap
        case encrypted
        case compressed
        case checksum
        case bigEndian = "big-endian"
        case badPickle = "bad-pickle"
        case forbiddenGlobal = "forbidden-global"
        case forbiddenOpcode = "forbidden-opcode"
        case badStorage = "bad-storage"
        case badTensor = "bad-tensor"
        case outOfBounds = "out-of-bounds"
    }

    package let reason: Reason
    /// What is wrong, to follow "Cannot read FILE as a PyTorch file: "; without a full stop at its end.
    package let sentence: String

    init(_ reason: Reason, _ sentence: String) {
        self.reason = reason
        self.sentence = sentence
    }
}
