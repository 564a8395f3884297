import Foundation
import SelfPatchData
import SelfPatchFormats

/// Times the image pipeline on one thread, by stages, and through the loader.
struct AugmentMeasurement {
    let files: BenchFiles
    let settings: MultiCropSettings
    let seconds: Double
    let workers: Int?

    func report() throws -> AugmentReport {
        let pixels = try files.files.indices.map { try files.decoded($0) }.map { Double($0.height * $0.width) }
        let whole = try rounds { epoch in try process(epoch: epoch, clock: nil) }
        let clock = StageClock()
        let start = StageClock.now
        let timed = try rounds { epoch in try process(epoch: epoch, clock: clock) }
        let spent = StageClock.now - start
        let images = Double(timed.count * files.files.count)
        var stages = Stage.allCases.compactMap { stage -> AugmentReport.StageTime? in
            guard let time = clock.seconds[stage], let calls = clock.calls[stage] else { return nil }
            return .init(
                stage: stage.rawValue, milliseconds: 1000 * time / images, share: time / spent,
                calls: Double(calls) / images)
        }
        let rest = spent - clock.seconds.values.reduce(0, +)
        stages.append(.init(stage: "rest", milliseconds: 1000 * rest / images, share: rest / spent, calls: 0))
        return AugmentReport(
            source: files.title, images: files.files.count,
            megapixels: pixels.reduce(0, +) / Double(pixels.count) / 1e6,
            kilobytes: Double(files.files.map(\.bytes.count).reduce(0, +)) / Double(files.files.count) / 1000,
            globalViews: settings.globalCount, localViews: settings.localCount, vectorBits: VectorBits.current,
            perCore: .init(whole), stages: stages, loader: try workers.map(loader),
            peakMegabytes: Double(Memory.peakBytes) / 1e6)
    }

    /// All images once, decoded and cut into views.
    private func process(epoch: Int, clock: StageClock?) throws {
        let multiCrop = MultiCrop(settings)
        let scratch = ViewScratch()
        let largest = settings.channels * max(settings.globalSize.pixels, settings.localSize.pixels)
        let target = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: largest)
        defer { target.deallocate() }
        for index in files.files.indices {
            let image = try measure(clock, .decode) { try files.decoded(index) }
            let key = SampleKey(seed: 0, epoch: epoch, index: index)
            let recipes = measure(clock, .draw) {
                multiCrop.recipes(height: image.height, width: image.width, key: key)
            }
            for (view, recipe) in recipes.enumerated() {
                let size = settings.size(ofView: view)
                let room = UnsafeMutableBufferPointer(rebasing: target[..<(settings.channels * size.pixels)])
                multiCrop.render(recipe, of: image, size: size, into: room, scratch: scratch, clock: clock)
            }
        }
    }

    private func measure<Result>(_ clock: StageClock?, _ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
        if let clock { return try clock.measure(stage, body) }
        return try body()
    }

    /// Images a second of processor time, for as many rounds as the time allows, after one that warms up.
    private func rounds(_ body: (_ epoch: Int) throws -> Void) throws -> [Double] {
        let end = ContinuousClock.now + .seconds(seconds)
        var rates: [Double] = []
        while rates.isEmpty || ContinuousClock.now < end {
            let start = StageClock.now
            try body(rates.count)
            rates.append(Double(files.files.count) / (StageClock.now - start))
        }
        return rates
    }

    private func loader(workers: Int) throws -> AugmentReport.Loader {
        let source = files.source(atLeast: 64)
        let batches = try MicroBatches(images: source.count, batch: 16, seed: 0)
        let loader = ViewLoader(source: source, settings: settings, batches: batches, workers: workers)
        defer { loader.stop() }
        for _ in 0..<3 { _ = try loader.nextBatch() }
        let (start, processorStart) = (ContinuousClock.now, Self.processorTime)
        var images = 0.0
        while ContinuousClock.now - start < .seconds(seconds) { images += Double(try loader.nextBatch().images) }
        return .init(
            workers: workers, imagesPerSecond: images / ((ContinuousClock.now - start) / .seconds(1)),
            perCore: images / (Self.processorTime - processorStart))
    }

    /// Of all threads, in seconds.
    private static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// What was measured.
struct AugmentReport: Encodable {
    struct Rates: Encodable {
        let median, lowest, highest: Double
        let rounds: Int

        init(_ rates: [Double]) {
            let sorted = rates.sorted()
            median = sorted[sorted.count / 2]
            lowest = sorted[0]
            highest = sorted[sorted.count - 1]
            rounds = sorted.count
        }
    }

    struct StageTime: Encodable {
        let stage: String
        /// An image.
        let milliseconds: Double
        /// Of the processor time of the run with clocks.
        let share: Double
        /// An image.
        let calls: Double
    }

    struct Loader: Encodable {
        let workers: Int
        /// On the wall clock, which other programs slow down.
        let imagesPerSecond: Double
        /// Images a second of one core's time, all threads and the copies into tensors counted.
        let perCore: Double
    }

    let source: String
    let images: Int
    let megapixels: Double
    let kilobytes: Double
    let globalViews: Int
    let localViews: Int
    let vectorBits: Int
    /// Images a second of one core's time.
    let perCore: Rates
    let stages: [StageTime]
    let loader: Loader?
    let peakMegabytes: Double

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func table() -> String {
        var lines = [
            "\(images) images of \(source), \(number(megapixels, 2)) megapixels and \(number(kilobytes, 0)) kB in the mean",
            "\(globalViews) global and \(localViews) local views, vectors of \(vectorBits) bits",
            "",
            "images/s per core   \(number(perCore.median, 0))   "
                + "(median of \(perCore.rounds) rounds, \(number(perCore.lowest, 0)) to \(number(perCore.highest, 0)))",
            "",
            "stage                  ms an image    share    calls an image",
        ]
        for stage in stages {
            let calls = stage.calls == 0 ? "" : number(stage.calls, 2)
            lines.append(
                stage.stage.padding(toLength: 22, withPad: " ", startingAt: 0)
                    + right(number(stage.milliseconds, 3), 12)
                    + right(number(100 * stage.share, 1) + " %", 9) + right(calls, 18))
        }
        if let loader {
            lines += [
                "",
                "loader, threads: \(loader.workers)   \(number(loader.imagesPerSecond, 0)) images/s on the clock, "
                    + "\(number(loader.perCore, 0)) per core",
            ]
        }
        lines += ["", "peak memory   \(number(peakMegabytes, 0)) MB"]
        return lines.joined(separator: "\n")
    }

    private func number(_ value: Double, _ places: Int) -> String {
        String(format: "%.\(places)f", value)
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
