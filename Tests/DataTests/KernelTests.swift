import CSelfPatchPixels
import SelfPatchTensors
import Testing

/// Each fast kernel against the plain one that defines it, byte for byte, for every vector width of this processor.
@Suite(.serialized) struct KernelTests {
    static let widths: [Int32] = [128, 256, 512]

    /// Pictures with edges, flat parts and noise.
    static func picture(_ count: Int, _ generator: inout KeyedGenerator) -> [UInt8] {
        let (period, depth) = (1 + Int(generator.next() % 29), Int(generator.next() % 256))
        return (0..<count).map { i in
            let noise = depth == 0 ? 0 : Int(generator.next() % UInt64(depth))
            return UInt8(clamping: (i / period % 3) * 120 + noise - depth / 3)
        }
    }

    static func limited(to bits: Int32, _ body: () -> Void) {
        px_limit_vector_bits(bits)
        body()
        px_limit_vector_bits(512)
    }

    @Test(arguments: widths) func resizeIsThePlainOne(bits: Int32) {
        var generator = KeyedGenerator(1)
        for round in 0..<60 {
            let channels = [3, 1, 2, 5][round % 4]
            let largest = round < 30 ? 40 : 260
            let size = (0..<4).map { _ in 1 + Int(generator.next() % UInt64(largest)) }
            let (boxHeight, boxWidth, height, width) = (size[0], size[1], size[2], size[3])
            let around = 3
            let rowBytes = (boxWidth + 2 * around) * channels
            let image = Self.picture(rowBytes * (boxHeight + 2 * around), &generator)
            let start = around * rowBytes + around * channels
            let flipped = Int32(round % 2)
            var fast = [UInt8](repeating: 1, count: channels * height * width)
            var plain = [UInt8](repeating: 2, count: fast.count)
            let (h, w, c) = (Int32(boxHeight), Int32(boxWidth), Int32(channels))
            let needed = px_resize_scratch(h, w, c, Int32(height), Int32(width))
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 64)
            defer { scratch.deallocate() }
            image.withUnsafeBufferPointer { image in
                guard let box = image.baseAddress.map({ $0 + start }) else { return }
                Self.limited(to: bits) {
                    px_resize(box, rowBytes, h, w, c, flipped, &fast, Int32(height), Int32(width), scratch)
                }
                px_plain_resize(box, rowBytes, h, w, c, flipped, &plain, Int32(height), Int32(width))
            }
            #expect(fast == plain, "\(boxHeight) x \(boxWidth) to \(height) x \(width), \(channels) channels")
        }
    }

    @Test(arguments: widths) func blurIsThePlainOne(bits: Int32) {
        var generator = KeyedGenerator(2)
        for round in 0..<60 {
            let largest: UInt64 = round < 30 ? 12 : 130
            let (height, width) = (1 + Int(generator.next() % largest), 1 + Int(generator.next() % largest))
            // Up to 40: beyond the width to which the fast kernel goes.
            let radius = Float(generator.uniform(0, [0.2, 2, 6, 40][round % 4]))
            var fast = Self.picture(2 * height * width, &generator)
            var plain = fast
            let (h, w) = (Int32(height), Int32(width))
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: px_blur_scratch(h, w), alignment: 64)
            defer { scratch.deallocate() }
            Self.limited(to: bits) { px_blur(&fast, 2, h, w, radius, scratch) }
            px_plain_blur(&plain, 2, h, w, radius)
            #expect(fast == plain, "\(height) x \(width), radius \(radius)")
        }
    }

    @Test(arguments: widths) func colorStepsAreThePlainOnes(bits: Int32) {
        var generator = KeyedGenerator(3)
        let kinds = [PX_BRIGHTNESS, PX_CONTRAST, PX_SATURATION, PX_HUE, PX_GREYSCALE, PX_SOLARIZE]
        for round in 0..<120 {
            let channels = round % 5 == 0 ? 1 : 3
            let pixels = 1 + Int(generator.next() % (round < 100 ? 300 : 20_000))
            let steps = (0..<Int(1 + generator.next() % 6)).map { _ in
                let kind = kinds[Int(generator.next() % 6)]
                let amount = kind == PX_HUE ? generator.uniform(-0.5, 0.5) : generator.uniform(0, 2.5)
                return px_color_step(kind: kind, amount: amount)
            }
            var fast = Self.picture(channels * pixels, &generator)
            var plain = fast
            Self.limited(to: bits) { px_color(&fast, pixels, Int32(channels), steps, Int32(steps.count)) }
            px_plain_color(&plain, pixels, Int32(channels), steps, Int32(steps.count))
            #expect(fast == plain, "\(steps) on \(pixels) pixels of \(channels) channels")
        }
    }

    /// The fast hue uses other arithmetic than its definition; that both agree is shown for all 16.7 million colors.
    @Test(arguments: [0.0, 0.1, -0.0713, 0.4981]) func hueIsThePlainOneForEveryColor(shift: Double) {
        let steps = [px_color_step(kind: PX_HUE, amount: shift)]
        let pixels = 1 << 16
        for red in 0..<256 {
            var fast = [UInt8](repeating: UInt8(red), count: 3 * pixels)
            for i in 0..<pixels {
                fast[pixels + i] = UInt8(i >> 8)
                fast[2 * pixels + i] = UInt8(i & 255)
            }
            var plain = fast
            px_color(&fast, pixels, 3, steps, 1)
            px_plain_color(&plain, pixels, 3, steps, 1)
            #expect(fast == plain, "red \(red)")
        }
    }
}
