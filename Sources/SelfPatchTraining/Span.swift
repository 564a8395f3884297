import Foundation
import SelfPatchFormats

/// A stretch of a run, written with its unit: "10 epochs", "500 steps" or "10 %" of the run.
package struct Span: Hashable, Sendable, CustomStringConvertible {
    package enum Unit: String, CaseIterable, Sendable {
        case epochs, steps
        case percent = "%"
    }

    package var amount: Double
    package var unit: Unit

    package init(_ amount: Double, _ unit: Unit) {
        self.amount = amount
        self.unit = unit
    }

    package static func epochs(_ amount: Double) -> Span { Span(amount, .epochs) }
    package static func steps(_ amount: Int) -> Span { Span(Double(amount), .steps) }
    package static func percent(_ amount: Double) -> Span { Span(amount, .percent) }

    /// The stretch in whole steps, rounded to the nearest; a trillion at most.
    ///
    /// - Parameters:
    ///   - stepsPerEpoch: steps in which the data are seen once.
    ///   - runLength: steps of the whole run, which percentages refer to.
    package func steps(stepsPerEpoch: Int, runLength: Int) -> Int {
        let steps =
            switch unit {
            case .epochs: amount * Double(stepsPerEpoch)
            case .steps: amount
            case .percent: amount / 100 * Double(runLength)
            }
        return Int(min(steps.rounded(), 1e12))
    }

    /// The same for what comes again and again: at least one step, or 0 for never where the stretch is 0.
    package func interval(stepsPerEpoch: Int, runLength: Int) -> Int {
        amount > 0 ? max(1, steps(stepsPerEpoch: stepsPerEpoch, runLength: runLength)) : 0
    }

    package var description: String { "\(SettingsTree.Value.number(amount).text) \(unit.rawValue)" }

    /// Reads "10 epochs", "1 epoch", "500 steps", "10 %" or "10%"; nil for anything else.
    package init?(_ text: String) {
        let unit = text.reversed().prefix { $0.isLetter || $0 == "%" }.reversed().map { $0.lowercased() }.joined()
        let number = text.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
        guard let amount = Double(number.filter { $0 != "_" }), amount.isFinite, amount >= 0, amount < 1e12 else {
            return nil
        }
        switch unit {
        case "epoch", "epochs": self.init(amount, .epochs)
        case "step", "steps": self.init(amount, .steps)
        case "%", "percent": self.init(amount, .percent)
        default: return nil
        }
    }
}

extension Span: Codable {
    package init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let span = Span(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "takes a number with its unit, '10 epochs', '500 steps' or '10 %' (of the run), not '\(text)'.")
        }
        self = span
    }

    package func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
