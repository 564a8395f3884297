import SelfPatchFormats
import SelfPatchTensors

/// Where the time of a step goes; in a trace each part is a span. On a GPU it waits after each part, so it is made for measuring only.
package final class StepClock {
    package enum Part: String, CaseIterable, Sendable {
        /// Waiting for the image pipeline.
        case data = "data wait"
        /// Bytes to the device, and to normalised floats.
        case views
        case teacher, student, losses, backward, clipping, update
    }

    /// Seconds so far.
    package private(set) var seconds: [Part: Double] = [:]
    private let device: Device

    package init(_ device: Device) { self.device = device }

    package func measure<Result>(_ part: Part, _ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            device.synchronize()
            seconds[part, default: 0] += (ContinuousClock.now - start).seconds
        }
        return try traced(part.rawValue, body)
    }
}

extension Optional where Wrapped == StepClock {
    /// Runs the body, and times it where there is a clock.
    package func measure<Result>(_ part: StepClock.Part, _ body: () throws -> Result) rethrows -> Result {
        guard let clock = self else { return try body() }
        return try clock.measure(part, body)
    }
}
