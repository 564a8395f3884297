import Foundation
import SelfPatchData
import SelfPatchModel
import SelfPatchTensors

// Loads weights, reads an image, and shows how like each patch is to the one in the middle.
guard CommandLine.arguments.count == 3 else {
    print("PatchFeatures WEIGHTS IMAGE")
    exit(64)
}
Libtorch.initialize()
let (weightsPath, imagePath) = (CommandLine.arguments[1], CommandLine.arguments[2])
let weights = try LoadedWeights(path: weightsPath)
let description = weights.description

let size = ViewSize(height: description.viewSize[0], width: description.viewSize[1])
let image = try ImageFile.decode(path: imagePath, channels: description.architecture.channels)
let view = CenterView(size).planes(of: image)
let normalize = ViewNormalization(mean: description.mean, deviation: description.deviation)
let views = normalize(Tensor(view, shape: [1, image.channels, size.height, size.width]))

let features = weights.network.features(of: views)  // patches: [1, rows * columns, width]
let grid = features.grid
let middle = features.patches.selected(grid.rows / 2 * grid.columns + grid.columns / 2, dimension: 1)
let likeness = (features.patches * middle.unsqueezed(at: 1)).sum(over: -1).floats()
let shades = " .:-=+*#%@".map(String.init)
let (low, high) = (likeness.min() ?? 0, likeness.max() ?? 1)
for row in 0..<grid.rows {
    let line = likeness[row * grid.columns..<(row + 1) * grid.columns]
    print(line.map { shades[Int(($0 - low) / max(high - low, 1e-6) * 9)] }.joined(separator: " "))
}
