// Any bytes through the readers of other people's checkpoints, under AddressSanitizer: see Fuzzing/checkpoints.
//
// libFuzzer calls this. Refusals are what is hoped for; crashes, traps, leaks, hangs and reads beyond the input are what
// is looked for. Every input goes through every reader: as a PyTorch file with its tensors read, as a safetensors file,
// and from the first byte of a pickle also as a pickle by itself, since few damaged ones lie in a sound zip.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let file = MappedFile(copying: bytes, path: "input")
    // Checksums would keep nearly all damaged pickles from being read at all.
    for verifiesChecksums in [false, true] {
        if let checkpoint = try? PyTorchFile(file, verifiesChecksums: verifiesChecksums) { readAll(checkpoint) }
    }
    if let weights = try? SafetensorsFile(file) {
        for entry in weights.entries { precondition(weights.withBytes(of: entry) { sum(of: $0) } >= 0) }
        try? weights.verifyChecksum()
    }
    if bytes.first == 0x80 {
        for storages in [PickleReader.StorageReference.none, .five, .six] {
            let content = try? PickleReader.read(bytes, storages: storages)
            precondition(content.map { $0.end <= count } ?? true)
        }
    }
    _ = try? NPYHeader(bytes, path: "input")
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
}

/// Touches every byte, so that the sanitizer sees it.
private func sum(of bytes: UnsafeRawBufferPointer) -> Int { bytes.reduce(0) { $0 &+ Int($1) } }
