import Foundation

/// Amounts as people read them.
enum Amount {
    /// `12 kB`, `499 MB`, `25.3 GB`: powers of 1000.
    static func bytes(_ count: Int) -> String {
        let count = Double(count)
        if count < 1e6 { return "\(decimal(count / 1e3, places: 0)) kB" }
        if count < 1e9 { return "\(decimal(count / 1e6, places: 0)) MB" }
        return "\(decimal(count / 1e9, places: count < 1e11 ? 1 : 0)) GB"
    }

    /// `139 GFLOP/s`, `790 TFLOP/s`.
    static func rate(_ operationsPerSecond: Double) -> String {
        if operationsPerSecond < 1e12 { return "\(decimal(operationsPerSecond / 1e9, places: 0)) GFLOP/s" }
        return "\(decimal(operationsPerSecond / 1e12, places: 1)) TFLOP/s"
    }

    static func decimal(_ value: Double, places: Int) -> String {
        String(format: "%.\(places)f", value)
    }
}
