// Any bytes through the readers of other people's checkpoints and annotations, under AddressSanitizer: see Fuzzing/readers.
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
    /// Any JSON.
    case json
    /// COCO's annotations.
    case annotations
    /// COCO's results, of two small images.
    case results
}

private let reader: Reader = {
    let name = ProcessInfo.processInfo.environment["FUZZ_READER"] ?? ""
    guard let reader = Reader(rawValue: name) else { fatalError("FUZZ_READER: one of those of Fuzzing/readers") }
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
    case .json:
        let file = MappedFile(copying: bytes, path: "input")
        let count = try? JSONReader.read(file) { try values(in: &$0, depth: 0) }
        // What is passed over and what is read are the same documents, but for numbers that are no integers.
        let isSound = (try? JSONReader.read(file) { try $0.skip() }) != nil
        precondition(count == nil || isSound)
    case .annotations:
        guard let data = try? COCOAnnotations(file: MappedFile(copying: bytes, path: "input"), threads: 1).data else {
            return 0
        }
        for image in data.images {
            for object in image.objects {
                guard let mask = object.mask else { continue }
                precondition(mask.height == image.height && mask.width == image.width)
                precondition(0...image.height * image.width ~= mask.area)
            }
        }
    case .results:
        guard
            let results = try? DetectionResults(
                file: MappedFile(copying: bytes, path: "input"), for: twoImages, threads: 1)
        else { return 0 }
        for found in results.detections { precondition(found.mask.map { 0...600 ~= $0.area } ?? true) }
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

/// Reads a document by what it says it is, down to a depth, and counts its values.
private func values(in json: inout JSONReader, depth: Int) throws -> Int {
    var count = 1
    switch try json.kind() {
    case .object where depth < 20: try json.object { json, _ in count += try values(in: &json, depth: depth + 1) }
    case .array where depth < 20: try json.array { json in count += try values(in: &json, depth: depth + 1) }
    case .object, .array: try json.skip()
    case .string: _ = try json.string()
    case .number:
        let start = json
        let number = try json.number()
        json = start
        if let integer = try? json.integer() {
            precondition(Double(integer) == number)
        } else {
            json = start
            try json.skip()
        }
    case .boolean: _ = try json.boolean()
    case .null: try json.null()
    }
    return count
}

/// What the results are of.
private let twoImages = DetectionData(
    classes: [DetectionClass(name: "one", id: 1), DetectionClass(name: "three", id: 3)],
    images: [
        DetectionImage(id: 1, file: "1.png", height: 20, width: 30),
        DetectionImage(id: 2, file: "2.png", height: 1, width: 1),
    ])
