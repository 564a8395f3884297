import SelfPatchFormats
import SelfPatchTensors
import TestSupport
import Testing

/// Regions of maps and suppression of boxes against torchvision's operators.
@Suite struct RegionGoldens {
    struct File: Decodable {
        let tolerances: Tolerances
        let cases: Cases
    }

    struct Tolerances: Decodable {
        let values: Relative

        struct Relative: Decodable {
            let toLargest: Double
            enum CodingKeys: String, CodingKey { case toLargest = "relative_to_largest" }
        }
    }

    /// The kinds that are looked at here; a root may lack them, and may have more.
    struct Cases: Decodable {
        let alignment: [Case<Alignment>]?
        let suppression: [Case<Suppression>]?
        enum CodingKeys: String, CodingKey {
            case alignment = "roi_align"
            case suppression = "nms"
        }
    }

    struct Case<Settings: Decodable>: Decodable {
        let name: String
        let settings: Settings
        let tensors: [String: String]
    }

    struct Alignment: Decodable {
        let output: Int
        let samples: Int
        /// Of one map; of several their strides.
        let scale: Double?
        let strides: [Double]?

        enum CodingKeys: String, CodingKey {
            case output, scale, strides
            case samples = "sampling_ratio"
        }
    }

    struct Suppression: Decodable {
        let threshold: Double
    }

    @Test(.requires(Goldens.of(.detection)), arguments: Goldens.folders(.detection))
    func goldenRegionsAndTheirGradients(folder: Goldens.Folder) throws {
        let file = try folder.decode(File.self, from: "cases.json")
        guard let cases = file.cases.alignment else { return }
        #expect(!cases.isEmpty)
        let tensors = try SafetensorsFile(path: folder.file("roi_align.safetensors")).tensors()
        for item in cases {
            // As they are, and with so many channels that they are computed side by side.
            for copies in [1, 11] {
                func tensor(_ name: String) throws -> Tensor {
                    try #require(tensors[item.tensors[name] ?? ""], "\(item.name): \(name)")
                }
                func wide(_ name: String) throws -> Tensor {
                    .concatenated(Array(repeating: try tensor(name), count: copies), dimension: 1)
                }
                let suffixes = item.settings.strides.map { $0.indices.map(String.init) } ?? [""]
                let maps = try suffixes.map { try wide("features" + $0).clone() }
                for map in maps { map.requiresGradient = true }
                let regions = try tensor("rois")
                let size = item.settings.output, samples = item.settings.samples
                let output: Tensor
                if let strides = item.settings.strides {
                    let levels = try tensor("levels").integers()
                    let members = maps.indices.map { level in levels.indices.filter { levels[$0] == level } }
                    let order = members.flatMap { $0 }
                    let pooled = maps.indices.map { level in
                        maps[level].alignedRegions(
                            regions.rows(Tensor(members[level], shape: [members[level].count])), size: size,
                            scale: 1 / strides[level], samples: samples)
                    }
                    let places = levels.indices.map { order.firstIndex(of: $0) ?? -1 }
                    output = Tensor.concatenated(pooled).rows(Tensor(places, shape: [places.count]))
                } else {
                    output = maps[0].alignedRegions(
                        regions, size: size, scale: try #require(item.settings.scale), samples: samples)
                }
                Tensor.backward([(output, try wide("upstream"))])

                func compare(_ mine: Tensor?, _ theirs: Tensor, _ what: String) {
                    let mine = mine?.floats() ?? [], theirs = theirs.floats()
                    let allowed = file.tolerances.values.toLargest * Double(theirs.map(abs).max() ?? 0)
                    let apart = zip(mine, theirs).map { abs(Double($0 - $1)) }.max() ?? 0
                    #expect(
                        mine.count == theirs.count && apart <= allowed, "\(item.name), \(copies) x: \(what): \(apart)")
                }
                compare(output, try wide("output"), "output")
                for (suffix, map) in zip(suffixes, maps) {
                    compare(map.gradient, try wide("gradient" + suffix), "gradient" + suffix)
                }
            }
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: Goldens.folders(.detection))
    func goldenSuppressionKeepsTheSameBoxes(folder: Goldens.Folder) throws {
        guard let cases = try folder.decode(File.self, from: "cases.json").cases.suppression else { return }
        #expect(!cases.isEmpty)
        let tensors = try SafetensorsFile(path: folder.file("nms.safetensors")).tensors()
        for item in cases {
            func tensor(_ name: String) -> Tensor? { item.tensors[name].flatMap { tensors[$0] } }
            let expected = try #require(tensor("kept"))
            let kept = Tensor.nonMaximumSuppression(
                boxes: try #require(tensor("boxes")), scores: try #require(tensor("scores")), groups: tensor("groups"),
                overlap: item.settings.threshold)
            #expect(kept.integers() == expected.integers(), "\(item.name)")
        }
    }
}
