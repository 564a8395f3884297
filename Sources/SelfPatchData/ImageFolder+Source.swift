extension ImageSource {
    /// The images of a folder, decoded for a model; broken ones are noted in `skipped`, which may end the run.
    ///
    /// - Parameters:
    ///   - folder: the images.
    ///   - channels: those of the model; see `ImageFile.decode`.
    ///   - pixelLimit: images of more pixels than these count as broken.
    ///   - skipped: where broken ones are noted.
    /// - Throws: `UserError` if the list of skipped files cannot be written.
    public init(
        _ folder: ImageFolder, channels: Int, pixelLimit: Int = ImageFile.defaultPixelLimit, skipped: SkippedFiles
    ) throws {
        try skipped.record(folder.problems)
        self.init(
            count: folder.count,
            name: { folder.name(of: $0) },
            read: { index throws(ImageProblem) in
                try ImageFile.read(path: folder.path(of: index), channels: channels, pixelLimit: pixelLimit).pixels
            },
            skip: { index, error in
                let problem = error as? ImageProblem ?? ImageProblem(.unreadable, "cannot be read: \(error)")
                try skipped.record(folder.name(of: index), problem)
            })
    }
}
