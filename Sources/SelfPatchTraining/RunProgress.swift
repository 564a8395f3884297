import Foundation

/// How far a run is, for a live line or a log's line.
package struct RunProgress: Sendable {
    /// Steps done, and steps of the whole run.
    package let step: Int
    package let stepCount: Int
    /// From 1.
    package let epoch: Int
    package let epochCount: Int
    /// What is minimised, by names such as "image loss".
    package let losses: [Metric]
    package let learningRate: Double
    package let imagesPerSecond: Double
    package let secondsLeft: Double
    /// Share of the time in which the step waited for images.
    package let dataWaitShare: Double

    package init(
        step: Int, stepCount: Int, epoch: Int, epochCount: Int, losses: [Metric], learningRate: Double,
        imagesPerSecond: Double, secondsLeft: Double, dataWaitShare: Double
    ) {
        self.step = step
        self.stepCount = stepCount
        self.epoch = epoch
        self.epochCount = epochCount
        self.losses = losses
        self.learningRate = learningRate
        self.imagesPerSecond = imagesPerSecond
        self.secondsLeft = secondsLeft
        self.dataWaitShare = dataWaitShare
    }

    /// All of it on one line.
    package var line: String {
        var parts = [
            "epoch \(epoch)/\(epochCount)", "step \(step)/\(stepCount)",
            String(format: imagesPerSecond < 10 ? "%.1f images/s" : "%.0f images/s", imagesPerSecond),
            "\(Self.duration(secondsLeft)) left",
        ]
        parts += losses.map { "\($0.name) " + String(format: "%.3f", $0.value) }
        parts.append(String(format: "rate %.1e", learningRate))
        parts.append(String(format: "data wait %.0f %%", 100 * dataWaitShare))
        return parts.joined(separator: "  ")
    }

    /// The same in fewer letters, for narrow terminals.
    package var shortLine: String {
        let losses = losses.map { loss in
            let name = loss.name.hasSuffix(" loss") ? String(loss.name.dropLast(5)) : loss.name
            return " \(name) " + String(format: "%.2f", loss.value)
        }.joined()
        return "epoch \(epoch)/\(epochCount) step \(step)/\(stepCount) "
            + String(format: imagesPerSecond < 10 ? "%.1f im/s " : "%.0f im/s ", imagesPerSecond)
            + "\(Self.duration(secondsLeft)) left" + losses
            + String(format: " lr %.0e wait %.0f%%", learningRate, 100 * dataWaitShare)
    }

    /// "45 s", "12 min", "3 h 05 min", "2 d 4 h".
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded(.up))
        if whole < 90 { return "\(whole) s" }
        let minutes = (whole + 30) / 60
        if minutes < 90 { return "\(minutes) min" }
        let hours = minutes / 60
        if hours < 48 { return String(format: "%d h %02d min", hours, minutes % 60) }
        return "\(hours / 24) d \(hours % 24) h"
    }
}
