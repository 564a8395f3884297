/// Writes a plain dictionary of tensors as PyTorch's zip file, which `torch.load(path, weights_only=True)` reads.
///
/// The tensors' bytes go from their owner to the disk; nothing but the directory is held in memory. Each tensor has a
/// storage of its own, and each storage begins at a multiple of 64 bytes, so that readers may map it.
public enum PyTorchWriter {
    /// The folder inside the zip; PyTorch takes any.
    private static let root = "archive/"

    /// Writes the items to `path`, whole or not at all. The same items give the same bytes.
    ///
    /// - Parameter items: the dictionary's keys and tensors, in its order; they need names of their own.
    /// - Throws: `UserError` that names the file and the reason; what `withBytes` of an item throws. The old file, if
    ///   there was one, is intact then.
    public static func write(_ items: [SafetensorsWriter.Item], to path: String) throws {
        try write(items, to: path, wideFrom: ZipWriter.widestNarrow)
    }

    /// - Parameter limit: numbers from here on are written in 64 bits; for tests that have no 4 GB to spend.
    package static func write(_ items: [SafetensorsWriter.Item], to path: String, wideFrom limit: Int) throws {
        precondition(Set(items.map(\.name)).count == items.count, "tensors need names of their own")
        let pickle = PickleWriter.stateDictionary(items)
        try AtomicFile.write(to: path) { output in
            var zip = ZipWriter(output, wideFrom: limit)
            try zip.add(root + "data.pkl", pickle)
            try zip.add(root + "byteorder", Array("little".utf8))
            for (index, item) in items.enumerated() {
                guard let byteCount = SafetensorsFile.byteCount(item.elementType, item.shape) else {
                    preconditionFailure("the shape \(item.shape) of '\(item.name)' overflows")
                }
                try zip.add("\(root)data/\(index)", byteCount: byteCount, withBytes: item.withBytes)
            }
            try zip.add(root + "version", Array("3\n".utf8))
            try zip.finish()
        }
    }
}
