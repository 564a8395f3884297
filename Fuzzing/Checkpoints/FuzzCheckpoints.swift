// Any bytes through the readers of other people's checkpoints, under AddressSanitizer: see Fuzzing/checkpoints.
//
// libFuzzer calls this. Refusals are what is hoped for; crashes, traps, leaks, hangs and reads beyond the input are what
// is looked for. FUZZ_READER names the reader that the inputs go to, so that each learns from inputs of its own.
import Foundation

/// The readers that take bytes from outside.
private enum Reader: String {
    /// PyTorch's zip files, with the pickles and tensors inside.
    case zip
    /// Pickles by themselves, since few damaged ones lie in a sound zip, and PyTorch's files without zip, which are pickles.
    case pickle
    case safetensors
    /// Headers of NumPy's files.
    case numpy
}

private let reader: Reader = {
    let name = ProcessInfo.processInfo.environment["FUZZ_READER"] ?? ""
    guard let reader = Reader(rawValue: name) else { fatalError("FUZZ_READER: zip, pickle, safetensors or numpy") }
    return reader
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    switch reader {
    case .zip:
        let file = MappedFile(copying: bytes, path: "input")
        // Checksums would keep nearly all damaged pickles from being read at all.
        for verifiesChecksums in [false, true] {
            if let checkpoint = try? PyTorchFile(file, verifiesChecksums: verifiesChecksums) { readAll(checkpoint) }
        }
    case .pickle:
        if let checkpoint = try? PyTorchFile(MappedFile(copying: bytes, path: "input")) { readAll(checkpoint) }
        for storages in [PickleReader.StorageReference.none, .five, .six] {
            let content = try? PickleReader.read(bytes, storages: storages)
            precondition(content.map { $0.end <= count } ?? true)
            _ = content?.root.plainValues()
        }
    case .safetensors:
        guard let weights = try? SafetensorsFile(MappedFile(copying: bytes, path: "input")) else { return 0 }
        for entry in weights.entries { precondition(weights.withBytes(of: entry) { sum(of: $0) } >= 0) }
        try? weights.verifyChecksum()
    case .numpy:
        _ = try? NPYHeader(bytes, path: "input")
    }
    return 0
}

private func readAll(_ file: PyTorchFile) {
    for entry in file.entries.prefix(1000) {
        let tensor = entry.tensor
        let total = try? file.withContiguousBytes(of: tensor) { bytes in
            precondition(bytes.count == tensor.byteCount)
            return sum(of: bytes)
        }
        precondition(total.map { $0 >= 0 } ?? true)
    }
    precondition(file.entries.count == (try? file.entries(below: file.root))?.count)
    _ = file.root.plainValues()
}

/// Touches every byte, so that the sanitizer sees it.
private func sum(of bytes: UnsafeRawBufferPointer) -> Int { bytes.reduce(0) { $0 &+ Int($1) } }
