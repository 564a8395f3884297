import SelfPatchFormats

/// A configuration beside weights: values by name, each checked when it is asked for.
struct Configuration {
    let value: JSONValue
    /// The file, for messages.
    let name: String
    let path: String

    /// - Parameter path: of the weights that it belongs to.
    init(_ value: JSONValue, name: String = CheckpointFiles.configurationName, path: String) {
        self.value = value
        self.name = name
        self.path = path
    }

    /// A part of it; empty where there is none.
    func section(_ key: String) -> Configuration {
        Configuration(value[key] ?? .object([:]), name: "\(key) in \(name)", path: path)
    }

    func refusal(_ key: String, _ wanted: String) -> UserError {
        UserError("Cannot use \(path): '\(key)' in \(name) is not \(wanted).")
    }

    /// A size of something; nil where nothing is said.
    func size(_ key: String) throws -> Int? {
        guard let found = value[key] else { return nil }
        guard let size = found.int, (1...1_048_576).contains(size) else { throw refusal(key, "a whole number above 0") }
        return size
    }

    /// A size or a pair of sizes, height first; nil where nothing is said.
    func sizes(_ key: String) throws -> (height: Int, width: Int)? {
        guard let found = value[key] else { return nil }
        let numbers = found.array?.map(\.int) ?? [found.int, found.int]
        guard numbers.count == 2, let height = numbers[0], let width = numbers[1],
            (1...1_048_576).contains(height), (1...1_048_576).contains(width)
        else { throw refusal(key, "a whole number above 0 or a pair of them") }
        return (height, width)
    }

    func number(_ key: String) throws -> Double? {
        guard let found = value[key] else { return nil }
        guard let number = found.double, number.isFinite else { throw refusal(key, "a number") }
        return number
    }

    func truth(_ key: String) throws -> Bool? {
        guard let found = value[key] else { return nil }
        guard let truth = found.bool else { throw refusal(key, "true or false") }
        return truth
    }

    /// A text, as it may be printed; nil where nothing is said.
    func text(_ key: String) throws -> String? {
        guard let found = value[key] else { return nil }
        guard let text = found.string else { throw refusal(key, "a text") }
        return PrintableName.of(text)
    }

    /// Mean and deviation of the pixels that the network saw; nil unless both are said.
    func normalization(mean: String, deviation: String) throws -> Stated<ViewNormalization>? {
        func numbers(_ key: String) throws -> [Double]? {
            guard let found = value[key] else { return nil }
            let numbers = found.array?.compactMap(\.double) ?? []
            guard !numbers.isEmpty, numbers.count == found.array?.count, numbers.allSatisfy(\.isFinite) else {
                throw refusal(key, "a list of numbers")
            }
            return numbers
        }
        guard let means = try numbers(mean), let deviations = try numbers(deviation) else { return nil }
        guard means.count == deviations.count, deviations.allSatisfy({ $0 > 0 }) else {
            throw refusal(deviation, "one number above 0 for each of '\(mean)'")
        }
        return Stated(value: ViewNormalization(mean: means, deviation: deviations), source: name)
    }
}
