extension ImageSource {
    /// The images of a collection, decoded for a model; broken ones are noted in `skipped`, which may end the run.
    ///
    /// - Parameters:
    ///   - images: a folder's, or those of shards.
    ///   - channels: those of the model; see `ImageFile.decode`.
    ///   - pixelLimit: images of more pixels than these count as broken.
    ///   - skipped: where broken ones are noted.
    /// - Throws: `UserError` if the list of skipped files cannot be written.
    package init(
        _ images: any ImageCollection, channels: Int, pixelLimit: Int = ImageFile.defaultPixelLimit,
        skipped: SkippedFiles
    ) throws {
        try skipped.record(images.problems)
        self.init(
            count: images.count,
            name: { images.name(of: $0) },
            read: { index throws(ImageProblem) in
                try images.read(index, channels: channels, pixelLimit: pixelLimit).pixels
            },
            skip: { index, error in
                let problem = error as? ImageProblem ?? ImageProblem(.unreadable, "cannot be read: \(error)")
                try skipped.record(images.name(of: index), problem)
            })
    }
}
