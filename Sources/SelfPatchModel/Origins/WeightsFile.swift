import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Reads and writes networks as safetensors files, with the authors' parameter names.
package enum WeightsFile {
    /// Writes a network; whole or not at all.
    package static func write(_ network: Network, _ description: WeightsDescription, to path: String) throws {
        let items = network.parameters.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        try SafetensorsWriter.write(items, metadata: description.metadata(), to: path)
    }

    /// Reads a network that this program wrote.
    ///
    /// - Parameters:
    ///   - prefix: what stands before the parameters' names, as "teacher." in a checkpoint of a run.
    ///   - withHeads: also build and read the projection heads, where the file has them.
    /// - Throws: `UserError` with a table of missing, unexpected and misshapen parameters.
    package static func read(
        _ path: String, prefix: String = "", withHeads: Bool = false, device: Device = .cpu
    ) throws -> (network: Network, description: WeightsDescription) {
        let file = try SafetensorsFile(path: path)
        if file.hasChecksum { try file.verifyChecksum() }
        let description = try WeightsDescription(file)
        let heads = withHeads ? description.heads : nil
        // A network is only built where the file has the bytes to fill it.
        let wanted = ParameterShapes.all(description.architecture, heads, hasPatchHead: description.hasPatchHead)
        let mismatch = TensorMismatch(
            wanted: wanted, in: file, prefix: prefix, ignoring: withHeads ? [] : ["c_head.", "p_head."])
        if !mismatch.isEmpty {
            throw UserError("\(path) does not hold the network that it describes.\n\(mismatch)")
        }
        let network = Network(
            description.architecture, heads: heads, patchHead: description.hasPatchHead, seed: 0, device: device)
        try restore(network.parameters, from: file, prefix: prefix)
        return (network, description)
    }

    /// Overwrites tensors with those of a file.
    ///
    /// - Throws: `UserError` with a table of missing, unexpected and misshapen tensors; nothing is changed then.
    package static func restore(_ tensors: [NamedTensor], from file: SafetensorsFile, prefix: String = "") throws {
        let mismatch = TensorMismatch(
            wanted: tensors.map { ($0.name, $0.tensor.shape) }, in: file, prefix: prefix, ignoring: nil)
        if !mismatch.isEmpty { throw UserError("\(file.path) does not fit the network.\n\(mismatch)") }
        withoutGradients {
            for named in tensors {
                guard let entry = file[prefix + named.name] else { continue }  // Checked above.
                named.tensor.copy(from: Tensor.load(entry, from: file).moved(to: named.tensor.device))
            }
        }
    }
}
