import SelfPatchTensors

/// How fast a device multiplies matrices in one precision: measured, since a processor's name does not tell.
struct ProductTiming: Encodable {
    let precision: String
    let operationsPerSecond: Double

    private static let types: [(ElementType, String)] = [
        (.float32, "float32"), (.bfloat16, "bf16"), (.float16, "float16"),
    ]

    /// float16 is left out on a CPU, where it serves nothing: it is several times slower than float32.
    static func all(on device: Device) -> [ProductTiming] {
        types.filter { device != .cpu || $0.0 != .float16 }.map { type, name in
            ProductTiming(precision: name, operationsPerSecond: operationsPerSecond(type, on: device))
        }
    }

    /// bf16's speed as a multiple of float32's.
    static func bfloat16Ratio(_ timings: [ProductTiming]) -> Double? {
        guard let plain = timings.first(where: { $0.precision == "float32" }),
            let short = timings.first(where: { $0.precision == "bf16" })
        else { return nil }
        return short.operationsPerSecond / plain.operationsPerSecond
    }

    /// Whether training in bf16 pays: the products must be clearly faster, for the casts around them cost something.
    static func bfloat16IsFast(_ timings: [ProductTiming]) -> Bool {
        (bfloat16Ratio(timings) ?? 0) > 1.5
    }

    /// The best of several runs of a product like those of a block's MLP: on the CPU [1576, 384] x [384, 1536], eight
    /// global views of ViT Small; on a GPU one large enough to fill it.
    private static func operationsPerSecond(_ type: ElementType, on device: Device) -> Double {
        let (rows, inner, columns) = device == .cpu ? (1576, 384, 1536) : (8192, 4096, 4096)
        let a = matrix(rows, inner, type, device)
        let b = matrix(inner, columns, type, device)
        let clock = ContinuousClock()
        return withoutGradients {
            let product = { () -> Duration in
                clock.measure {
                    _ = a.matmul(b)
                    device.synchronize()
                }
            }
            let end = clock.now + .milliseconds(300)
            // The first one also prepares memory and kernels: seldom the best, but all there is of a very slow one.
            var best = product()
            while clock.now < end { best = min(best, product()) }
            return 2 * Double(rows) * Double(inner) * Double(columns) / best.seconds
        }
    }

    private static func matrix(_ rows: Int, _ columns: Int, _ type: ElementType, _ device: Device) -> Tensor {
        Tensor.uniform([rows, columns], low: -1, high: 1, using: Generator(seed: 1)).cast(to: type).moved(to: device)
    }
}

extension Duration {
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
