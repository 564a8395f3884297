import SelfPatchTensors

extension Network {
    /// Features of the last blocks, the last one at the end; the summary of a block is what the aggregation module makes of
    /// that block's tokens.
    ///
    /// - Parameters:
    ///   - views: `[images, channels, height, width]`, normalised, on the network's device.
    ///   - count: how many blocks, from 1 to the network's depth.
    public func features(of views: Tensor, lastBlocks count: Int) -> [Features] {
        let depth = architecture.depth
        precondition(1...depth ~= count, "\(count) of \(depth) blocks")
        guard count > 1 else { return [features(of: views)] }
        return withoutGradients {
            backbone.levels(Set(depth - count..<depth), of: views).map {
                Features(imageSummary: aggregation.summary(of: $0), patches: $0, grid: backbone.grid(of: views))
            }
        }
    }
}
