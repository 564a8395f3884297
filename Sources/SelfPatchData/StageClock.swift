import Foundation

/// Parts of the image pipeline, in their order.
package enum Stage: String, CaseIterable, Sendable {
    case decode
    case draw = "drawing parameters"
    case cropAndResize = "crop, resize, flip"
    case brightness, contrast, saturation, hue, greyscale, blur, solarize
}

/// Adds up the processor time of the calling thread, stage by stage.
package final class StageClock {
    package private(set) var seconds: [Stage: Double] = [:]
    package private(set) var calls: [Stage: Int] = [:]

    package init() {}

    package func measure<Result>(_ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
        let start = Self.now
        defer {
            seconds[stage, default: 0] += Self.now - start
            calls[stage, default: 0] += 1
        }
        return try body()
    }

    /// Processor time of the calling thread in seconds; other programs on the machine do not count.
    package static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
