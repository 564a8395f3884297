import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SwiftProtobuf
import TestSupport
import Testing

/// What an ONNX file must be whoever reads it; what ONNX Runtime makes of it is checked by scripts/interoperability.
@Suite struct ONNXExportTests {
    static func model(
        _ export: WeightsExport, _ options: ONNXOptions, in folder: TemporaryFolder
    ) throws -> Selfpatch_Onnx_ModelProto {
        var export = export
        export.onnx = options
        let path = folder.file("\(UUID().uuidString).onnx")
        _ = try export.write(as: .onnx, to: path)
        return try Selfpatch_Onnx_ModelProto(serializedBytes: Data(contentsOf: URL(filePath: path)))
    }

    static func options(
        _ output: ONNXOptions.Output = .both, _ number: ONNXOptions.Number = .float32,
        _ size: ONNXOptions.ImageSize = .own
    ) -> ONNXOptions {
        var options = ONNXOptions()
        (options.output, options.number, options.imageSize) = (output, number, size)
        return options
    }

    static let architectures: [Architecture] = {
        let own = WeightsExportTests.architecture
        var other = own
        other.hasClassToken = true
        other.registerCount = 2
        other.finalNorm = .tokens
        other.imageSummary = .classToken
        other.positionRule = .antialiasedSize
        var pooled = own
        pooled.finalNorm = .pooled
        pooled.imageSummary = .meanPatch
        pooled.positionRule = .bicubicSize
        pooled.positionGrid = Grid(rows: 5, columns: 5)
        return [own, other, pooled]
    }()

    /// Every value is given once, before it is used; every constant has the bytes that its shape takes.
    @Test(arguments: architectures) func graphsAreWhole(architecture: Architecture) throws {
        try withTemporaryFolder { folder in
            for size in [ONNXOptions.ImageSize.own, .any, .fixed(height: 9, width: 31)] {
                for number in ONNXOptions.Number.allCases {
                    let model = try Self.model(
                        WeightsExportTests.network(architecture), Self.options(.both, number, size), in: folder)
                    #expect(model.irVersion == 8 && model.opsetImport.map(\.version) == [17])
                    let graph = model.graph
                    var known = Set(graph.initializer.map(\.name) + graph.input.map(\.name))
                    #expect(known.count == graph.initializer.count + 1)
                    var used: Set<String> = []
                    for node in graph.node {
                        #expect(node.input.allSatisfy(known.contains), "\(node.name)")
                        used.formUnion(node.input)
                        for output in node.output { #expect(known.insert(output).inserted, "\(output)") }
                    }
                    for constant in graph.initializer {
                        let width = [1: 4, 7: 8, 10: 2][constant.dataType] ?? 0
                        let count = constant.dims.reduce(1, *)
                        #expect(constant.rawData.count == Int(count) * width, "\(constant.name)")
                        #expect(used.contains(constant.name), "\(constant.name) is not used")
                    }
                    #expect(graph.output.map(\.name) == ["image_summary", "patches"])
                    #expect(graph.output.allSatisfy { known.contains($0.name) })
                    #expect(graph.input[0].type.tensorType.elemType == (number == .float16 ? 10 : 1))
                }
            }
        }
    }

    @Test func sizesAreWhatWasAskedFor() throws {
        try withTemporaryFolder { folder in
            func sizes(_ size: ONNXOptions.ImageSize, _ output: ONNXOptions.Output) throws -> [[String]] {
                let graph = try Self.model(
                    WeightsExportTests.network(), Self.options(output, .float32, size), in: folder
                )
                .graph
                return (graph.input + graph.output).map { info in
                    info.type.tensorType.shape.dim.map { $0.dimParam.isEmpty ? "\($0.dimValue)" : $0.dimParam }
                }
            }
            let own = try sizes(.own, .patches)
            #expect(own == [["batch", "3", "16", "20"], ["batch", "20", "24"]])
            let any = try sizes(.any, .both)
            #expect(any == [["batch", "3", "height", "width"], ["batch", "24"], ["batch", "patches", "24"]])
            let fixed = try sizes(.fixed(height: 9, width: 31), .summary)
            #expect(fixed == [["batch", "3", "9", "31"], ["batch", "24"]])
            let error = #expect(throws: UserError.self) { try sizes(.fixed(height: 3, width: 31), .patches) }
            #expect(error?.kind == .usage && error?.message.contains("4 x 4") == true)
        }
    }

    @Test func metadataSayHowToUseIt() throws {
        try withTemporaryFolder { folder in
            let model = try Self.model(WeightsExportTests.network(), Self.options(), in: folder)
            let metadata = Dictionary(uniqueKeysWithValues: model.metadataProps.map { ($0.key, $0.value) })
            #expect(metadata["mean"] == "[0.5,0.4,0.3]" && metadata["deviation"] == "[0.2,0.3,0.4]")
            #expect(metadata["architecture"]?.contains("scale-plus-0.1") == true && metadata["input"] != nil)
            let again = try Self.model(WeightsExportTests.network(), Self.options(), in: folder)
            #expect(try again.serializedData() == model.serializedData())
        }
    }

    /// Matrices lie as MatMul takes them, their numbers are the network's own.
    @Test func weightsAreTheNetworks() throws {
        try withTemporaryFolder { folder in
            let model = try Self.model(WeightsExportTests.network(), Self.options(.patches), in: folder)
            let constants = Dictionary(uniqueKeysWithValues: model.graph.initializer.map { ($0.name, $0) })
            let matrix = try #require(constants["blocks.1.mlp.fc1.weight"])
            #expect(matrix.dims == [24, 40])
            let ours = Tensor(
                try #require(WeightsExportTests.parameters()["backbone.blocks.1.mlp.fc1.weight"]), shape: [40, 24])
            #expect(matrix.rawData == ours.transposed().withBytes { Data($0) })
            #expect(!constants.keys.contains { $0.hasPrefix("ca_head") }, "patches need no summary")
        }
    }

    @Test func whatOverflowsIsRefused() throws {
        let network = Network(WeightsExportTests.architecture, heads: nil, seed: 0, device: .cpu)
        network.parameters[4].tensor.fill(with: 1e6)
        var export = WeightsExport(network, WeightsExportTests.description(network.architecture))
        export.onnx.number = .float16
        try withTemporaryFolder { folder in
            let error = #expect(throws: UserError.self) { try export.write(as: .onnx, to: folder.file("a.onnx")) }
            #expect(error?.message.contains("float32") == true)
            export.onnx.number = .float32
            _ = try export.write(as: .onnx, to: folder.file("a.onnx"))
        }
    }
}
