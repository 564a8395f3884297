import Foundation
import SelfPatchTensors
import Testing

/// Regions of maps: the kernels, and the matrices that serve float64 here and everything on a GPU.
@Suite struct RegionTests {
    struct Case: Sendable, CustomStringConvertible {
        let images: Int
        let channels: Int
        let grid: Grid
        let size: Int
        let samples: Int
        var description: String { "\(images) x \(channels) channels of \(grid), \(size) bins, \(samples) samples" }
    }

    /// Below, at and above the number of channels that are computed together.
    static let cases = [
        Case(images: 1, channels: 1, grid: Grid(rows: 1, columns: 1), size: 1, samples: 0),
        Case(images: 2, channels: 3, grid: Grid(rows: 9, columns: 14), size: 7, samples: 0),
        Case(images: 3, channels: 8, grid: Grid(rows: 21, columns: 5), size: 3, samples: 0),
        Case(images: 1, channels: 16, grid: Grid(rows: 12, columns: 17), size: 7, samples: 2),
        Case(images: 2, channels: 21, grid: Grid(rows: 33, columns: 30), size: 5, samples: 0),
        Case(images: 2, channels: 40, grid: Grid(rows: 1, columns: 19), size: 2, samples: 3),
    ]
    static let scale = 0.25

    static func drawn(_ shape: [Int], seed: UInt64) -> Tensor { .normal(shape, using: Generator(seed: seed)) }

    /// Ordinary boxes in a picture, and odd ones: beyond it, around it, without size, turned round, of whole cells, huge.
    static func regions(_ item: Case) -> [[Float]] {
        let height = Float(item.grid.rows) / Float(scale), width = Float(item.grid.columns) / Float(scale)
        let random = Tensor.uniform([20, 4], low: -0.1, high: 1.1, using: Generator(seed: 31)).floats()
        var list = (0..<20).map { i in
            let x = [random[4 * i] * width, random[4 * i + 1] * width].sorted()
            let y = [random[4 * i + 2] * height, random[4 * i + 3] * height].sorted()
            return [Float(i % item.images), x[0], y[0], x[1], y[1]]
        }
        let whole = Float(item.size) / Float(scale)
        list += [
            [0, 0, 0, width, height], [0, -9 * width, -9 * height, 9 * width, 9 * height], [0, 3, 3, 3, 3],
            [0, width, height, 0, 0], [0, 5, 6, 4, height], [0, 2 * width, 0, 3 * width, height],
            [0, 2, 2, 2 + whole, 2 + 2 * whole], [0, -2, -2, -2 + whole, 1], [0, 1, 1, 1.01, 1.02],
        ]
        return list
    }

    static func tensor(_ regions: [[Float]]) -> Tensor { Tensor(regions.flatMap { $0 }, shape: [regions.count, 5]) }

    /// The definition, point by point, in double precision but for the points.
    static func plain(_ item: Case, map: [Double], regions: [[Float]]) -> [Double] {
        let (rows, columns, size) = (item.grid.rows, item.grid.columns, item.size)
        func points(_ low: Float, _ high: Float, _ bin: Int) -> [Float] {
            let start = low * Float(scale) - 0.5
            let each = (high * Float(scale) - 0.5 - start) / Float(size)
            let count = item.samples > 0 ? item.samples : Int(each.rounded(.up))
            return (0..<max(count, 0)).map { start + Float(bin) * each + (Float($0) + 0.5) * each / Float(count) }
        }
        /// The two cells around a point with their weights.
        func cells(_ point: Float, _ length: Int) -> [(Int, Double)] {
            guard point >= -1, point <= Float(length) else { return [] }
            let inside = max(point, 0), low = Int(inside)
            guard low < length - 1 else { return [(length - 1, 1)] }
            return [(low, 1 - Double(inside - Float(low))), (low + 1, Double(inside - Float(low)))]
        }
        var result: [Double] = []
        for region in regions {
            for channel in 0..<item.channels {
                let plane = (Int(region[0]) * item.channels + channel) * rows * columns
                for i in 0..<size {
                    for j in 0..<size {
                        let down = points(region[2], region[4], i), across = points(region[1], region[3], j)
                        var sum = 0.0
                        for y in down {
                            for (row, a) in cells(y, rows) {
                                for x in across {
                                    for (column, b) in cells(x, columns) {
                                        sum += a * b * map[plane + row * columns + column]
                                    }
                                }
                            }
                        }
                        result.append(sum / Double(max(down.count * across.count, 1)))
                    }
                }
            }
        }
        return result
    }

    static func near(_ a: [Double], _ b: [Double], within relative: Double = 2e-6) -> Bool {
        let allowed = relative * (b.map(abs).max() ?? 0)
        return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= allowed }
    }

    @Test(arguments: cases) func areTheMeansOfTheirPoints(item: Case) {
        let map = Self.drawn([item.images, item.channels, item.grid.rows, item.grid.columns], seed: 1)
        let regions = Self.regions(item)
        let expected = Self.plain(item, map: map.doubles(), regions: regions)
        for type in [ElementType.float32, .float64] {
            let pooled = map.cast(to: type).alignedRegions(
                Self.tensor(regions), size: item.size, scale: Self.scale, samples: item.samples)
            #expect(pooled.elementType == type)
            #expect(pooled.shape == [regions.count, item.channels, item.size, item.size])
            #expect(Self.near(pooled.doubles(), expected), "\(type)")
        }
    }

    /// What the map's numbers add to a sum over the regions, one number at a time: the regions are linear in the map, so that a
    /// difference of any size is the derivative.
    @Test(arguments: cases) func gradientsAreDifferences(item: Case) throws {
        let shape = [item.images, item.channels, item.grid.rows, item.grid.columns]
        let regions = Self.tensor(Self.regions(item))
        let upstream = Self.drawn([regions.shape[0], item.channels, item.size, item.size], seed: 3)
        func pooled(_ map: Tensor) -> Tensor {
            map.alignedRegions(regions, size: item.size, scale: Self.scale, samples: item.samples)
        }
        let gradients = [ElementType.float32, .float64].map { type in
            let map = Self.drawn(shape, seed: 2).cast(to: type).clone()
            map.requiresGradient = true
            Tensor.backward([(pooled(map), upstream.cast(to: type))])
            return map.gradient?.doubles() ?? []
        }
        #expect(Self.near(gradients[0], gradients[1]))
        let count = shape.reduce(1, *)
        for place in Set([0, count / 3, count / 2, 2 * count / 3, count - 1]) {
            let step = Tensor.zeros([count], type: .float64)
            step.narrowed(to: place..<place + 1, dimension: 0).fill(with: 1)
            let difference = (pooled(step.reshaped(to: shape)) * upstream.cast(to: .float64)).sum().item()
            #expect(abs(difference - gradients[1][place]) <= 1e-9 * (gradients[1].map(abs).max() ?? 0))
        }
    }

    @Test(arguments: cases) func aCallsThreadsDoNotShow(item: Case) {
        let regions = Self.tensor(Self.regions(item))
        func run(threads: Int) -> [[Float]] {
            let before = Libtorch.threadCount
            Libtorch.threadCount = threads
            defer { Libtorch.threadCount = before }
            let map = Self.drawn([item.images, item.channels, item.grid.rows, item.grid.columns], seed: 4)
            map.requiresGradient = true
            let pooled = map.alignedRegions(regions, size: item.size, scale: Self.scale, samples: item.samples)
            (pooled * pooled).sum().backward()
            return [pooled.floats(), map.gradient?.floats() ?? []]
        }
        let one = run(threads: 1)
        #expect(!one[1].isEmpty && run(threads: 2) == one && run(threads: 3) == one)
    }

    @Test(arguments: [3, 24]) func noRegionsGiveNothingAndNoGradient(channels: Int) {
        for type in [ElementType.float32, .float64] {
            let map = Self.drawn([2, channels, 5, 6], seed: 5).cast(to: type).clone()
            map.requiresGradient = true
            let pooled = map.alignedRegions(Tensor.zeros([0, 5]), size: 7, scale: 0.5)
            #expect(pooled.shape == [0, channels, 7, 7])
            pooled.sum().backward()
            #expect(map.gradient?.doubles() == Array(repeating: 0, count: 60 * channels), "\(type)")
        }
    }

    @Test(arguments: [3, 24]) func aRegionThatIsNotFiniteShows(channels: Int) {
        let map = Self.drawn([1, channels, 8, 8], seed: 6)
        let ordinary: [Float] = [0, 1, 2, 9, 12]
        for bad in [Float.nan, .infinity, -.infinity] {
            let regions = [ordinary, [0, 1, bad, 9, 12], ordinary]
            for type in [ElementType.float32, .float64] {
                let pooled = map.cast(to: type).alignedRegions(Self.tensor(regions), size: 2, scale: 0.5)
                #expect(pooled.selected(1, dimension: 0).doubles().allSatisfy { $0.isNaN }, "\(type), \(bad)")
                #expect(pooled.selected(0, dimension: 0).doubles() == pooled.selected(2, dimension: 0).doubles())
                #expect(pooled.selected(0, dimension: 0).isFinite)
            }
        }
    }

    /// However large a region, only the map is visited.
    @Test func hugeRegionsEnd() {
        let map = Tensor.ones([1, 16, 4, 4])
        let pooled = map.alignedRegions(
            Tensor([0, -1e30, -1e30, 1e30, 1e30, 0, -1e7, -1e7, 1e7, 1e7] as [Float], shape: [2, 5]), size: 2, scale: 1)
        #expect(pooled.isFinite && pooled.max().item() < 1e-5)
    }

    @Test func shorterTypesAreReadInFloat32() {
        let map = Self.drawn([1, 20, 6, 7], seed: 7).cast(to: .bfloat16)
        let regions = Tensor([0, 1, 1, 11, 9] as [Float], shape: [1, 5])
        let pooled = map.alignedRegions(regions, size: 3, scale: 0.5)
        #expect(pooled.elementType == .float32)
        #expect(pooled.floats() == map.cast(to: .float32).alignedRegions(regions, size: 3, scale: 0.5).floats())
        let leaf = map.clone()
        leaf.requiresGradient = true
        leaf.alignedRegions(regions, size: 3, scale: 0.5).sum().backward()
        #expect(leaf.gradient?.elementType == .bfloat16)
    }

    @Test func anImageThatIsNotThereIsNamed() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([2, 3, 4, 4]).alignedRegions(
                Tensor([0, 0, 0, 1, 1, 2, 0, 0, 1, 1] as [Float], shape: [2, 5]), size: 7, scale: 1)
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("region 1 is of image 2 of 2"), "\(message)")
    }
}
