import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// Channels, depths and turning, on files drawn here byte by byte.
@Suite struct ImageFileTests {
    private func read(_ data: Data, channels: Int) throws(ImageProblem) -> Pixels {
        // `withUnsafeBytes` does not carry the type of what is thrown.
        let result = data.withUnsafeBytes { bytes in
            Result { () throws(ImageProblem) in try ImageFile.read(bytes, channels: channels).pixels }
        }
        return try result.get()
    }

    private func problem(_ data: Data, channels: Int) -> ImageProblem? {
        do {
            _ = try read(data, channels: channels)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [2, 4, 5, 7], [(8, false), (16, false), (8, true), (16, true)])
    func channelsOfAnyNumberComeAsStored(samples: Int, layout: (bits: Int, planes: Bool)) throws {
        let (bits, planes) = layout
        var file = DrawnTIFF(
            samples: samples, bits: bits, planes: planes, extras: Array(repeating: 0, count: samples - 1))
        if bits == 16 { file.value = { row, column, channel in (row * 40 + column * 7 + channel * 3) * 257 } }
        let pixels = try read(file.bytes(), channels: samples)
        #expect(pixels.height == 3 && pixels.width == 5 && pixels.channels == samples)
        for row in 0..<3 {
            for column in 0..<5 {
                for channel in 0..<samples {
                    let value = pixels.bytes[(row * 5 + column) * samples + channel]
                    #expect(Int(value) == row * 40 + column * 7 + channel * 3)
                }
            }
        }
        #expect(problem(file.bytes(), channels: samples + 1)?.reason == .wrongChannels)
        #expect(problem(file.bytes(), channels: 3)?.detail.contains("\(samples) channels") == true)
    }

    @Test func alphaIsDroppedOrKeptByWhatTheModelTakes() throws {
        let color = DrawnTIFF(samples: 4, photometric: 2, extras: [2]).bytes()
        #expect(try read(color, channels: 3).bytes.prefix(6) == [0, 3, 6, 7, 10, 13])
        #expect(try read(color, channels: 4).bytes.prefix(8) == [0, 3, 6, 9, 7, 10, 13, 16])
        let grey = DrawnTIFF(samples: 2, extras: [1]).bytes()
        #expect(try read(grey, channels: 1).bytes.prefix(3) == [0, 7, 14])
        #expect(try read(grey, channels: 3).bytes.prefix(6) == [0, 0, 0, 7, 7, 7])
        #expect(try read(grey, channels: 2).bytes.prefix(4) == [0, 3, 7, 10])
        let five = DrawnTIFF(samples: 5, extras: [0, 0, 0, 2]).bytes()
        #expect(try read(five, channels: 4).bytes.prefix(8) == [0, 3, 6, 9, 7, 10, 13, 16])
    }

    @Test func sixteenBitsAreScaledAndRounded() throws {
        for value in [0, 1, 127, 128, 129, 257, 385, 386, 30_000, 65_406, 65_407, 65_535] {
            let file = DrawnTIFF(width: 1, height: 1, samples: 1, bits: 16, value: { _, _, _ in value }).bytes()
            #expect(try read(file, channels: 1).bytes == [UInt8((Double(value) * 255 / 65_535).rounded())], "\(value)")
        }
    }

    @Test func whiteMayBeZero() throws {
        let file = DrawnTIFF(samples: 1, photometric: 0).bytes()
        #expect(try read(file, channels: 1).bytes.prefix(3) == [255, 248, 241])
    }

    @Test func inkBecomesLight() throws {
        let ink = [0: (0, 255), 1: (100, 155), 2: (255, 0)]
        for (value, light) in ink.values {
            let file = DrawnTIFF(
                width: 1, height: 1, samples: 4, photometric: 5, value: { _, _, channel in channel == 3 ? 0 : value })
            #expect(try read(file.bytes(), channels: 3).bytes == Array(repeating: UInt8(light), count: 3))
            let stored = Array(repeating: UInt8(value), count: 3) + [0]
            #expect(try read(file.bytes(), channels: 4).bytes == stored)
        }
    }

    @Test func lumaIsPillows() throws {
        let colors: [[Int]] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [1, 2, 3], [200, 100, 50]]
        for color in colors {
            let file = DrawnTIFF(
                width: 1, height: 1, samples: 3, photometric: 2, value: { _, _, channel in color[channel] })
            let luma = (19_595 * color[0] + 38_470 * color[1] + 7_471 * color[2] + 32_768) >> 16
            #expect(try read(file.bytes(), channels: 1).bytes == [UInt8(luma)])
        }
    }

    /// Turning twice by an orientation and its inverse gives the picture back, and each corner lands where EXIF says.
    @Test(arguments: 1...8, [(1, 1), (5, 3), (40, 70), (33, 1)])
    func orientationsPutTheCornersWhereTheyBelong(orientation: Int, size: (width: Int, height: Int)) throws {
        let (width, height) = size
        let file = DrawnTIFF(
            width: width, height: height, samples: 3, photometric: 2, orientation: orientation,
            value: { row, column, channel in channel == 0 ? row : channel == 1 ? column : 9 })
        let pixels = try read(file.bytes(), channels: 3)
        let exchanges = orientation >= 5
        #expect(pixels.width == (exchanges ? height : width) && pixels.height == (exchanges ? width : height))
        for row in 0..<pixels.height {
            for column in 0..<pixels.width {
                let (bottom, right) = (height - 1, width - 1)
                let source =
                    switch orientation {
                    case 2: (row, right - column)
                    case 3: (bottom - row, right - column)
                    case 4: (bottom - row, column)
                    case 5: (column, row)
                    case 6: (bottom - column, row)
                    case 7: (bottom - column, right - row)
                    case 8: (column, right - row)
                    default: (row, column)
                    }
                let place = (row * pixels.width + column) * 3
                #expect(pixels.bytes[place..<(place + 3)] == [UInt8(source.0), UInt8(source.1), 9])
            }
        }
    }

    @Test func numbersWithoutAWhiteAreRefused() {
        #expect(problem(DrawnTIFF(samples: 1, bits: 16, format: 2).bytes(), channels: 1)?.reason == .unsupported)
        let many = DrawnTIFF(width: 1, height: 1, samples: 200, extras: Array(repeating: 0, count: 199))
        #expect(problem(many.bytes(), channels: 3)?.reason == .wrongChannels)
    }

    @Test func limitsHoldForPixelsAndForChannels() throws {
        let file = DrawnTIFF(samples: 1).bytes()
        func limited(_ data: Data, _ limit: Int) -> ImageProblem.Reason? {
            data.withUnsafeBytes { bytes in
                do throws(ImageProblem) {
                    _ = try ImageFile.read(bytes, channels: 1, pixelLimit: limit)
                    return nil
                } catch {
                    return error.reason
                }
            }
        }
        #expect(limited(file, 15) == nil)
        #expect(limited(file, 14) == .tooLarge)
        let deep = DrawnTIFF(width: 1, height: 1, samples: 200, extras: Array(repeating: 0, count: 199)).bytes()
        #expect(limited(deep, 10) == .tooLarge)
        #expect(limited(deep, Int.max) == .wrongChannels)
    }

    @Test(arguments: [1, 3], [(1, 1), (7, 5), (64, 3)])
    func picturesSurvivePNG(channels: Int, size: (width: Int, height: Int)) throws {
        let count = size.width * size.height * channels
        let pixels = Pixels(
            height: size.height, width: size.width, channels: channels,
            bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ $0 / 11) })
        #expect(try read(PNGFile.encoded(pixels), channels: channels) == pixels)
    }

    @Test func errorsNameTheFileAndTheReason() throws {
        try withTemporaryFolder { folder in
            let path = try folder.write("hello", to: "a.jpg")
            let error = #expect(throws: UserError.self) { try ImageFile.decode(path: path, channels: 3) }
            #expect(error?.message.contains(path) == true)
            #expect(error?.message.contains("does not begin as any image does") == true)
            #expect(error?.exitCode == 1)
        }
    }

    /// Damage of every kind to every small file: whatever happens is a picture or a reason. `Fuzzing/pixels` does the
    /// same under AddressSanitizer, and more of it.
    @Test(.requires(SharedData.oddFiles)) func damagedFilesAreReadOrRefused() throws {
        let root = try #require(SharedData.oddFiles.path)
        var state: UInt64 = 42
        func draw(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(below, 1)
        }
        var refused = 0
        var tried = 0
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            guard let original = FileManager.default.contents(atPath: root + "/" + name), original.count < 100_000,
                !original.isEmpty
            else { continue }
            for _ in 0..<8 {
                var bytes = original
                if draw(4) == 0 { bytes = bytes.prefix(1 + draw(bytes.count)) }
                for _ in 0...draw(6) {
                    let place = draw(2) == 0 ? draw(bytes.count) : draw(min(bytes.count, 100))
                    bytes[bytes.startIndex + place] = UInt8(draw(256))
                }
                tried += 1
                if problem(Data(bytes), channels: 3) != nil { refused += 1 }
            }
        }
        #expect(tried > 1000 && refused > tried / 4 && refused < tried)
    }
}
