import Foundation

/// J and F of a set of videos: of each object in each frame, and their means.
public struct VideoScore: Equatable, Sendable {
    /// What is said of the values of one measure over an object's frames.
    public struct Figures: Codable, Equatable, Sendable {
        public let mean: Double
        /// The share of frames with a value above one half.
        public let recall: Double
        /// How much the measure falls from the first quarter of the frames to the last.
        public let decay: Double

        public init(mean: Double, recall: Double, decay: Double) {
            self.mean = mean
            self.recall = recall
            self.decay = decay
        }

        /// - Parameter values: one for each scored frame, at least one.
        public init(of values: [Double]) {
            precondition(!values.isEmpty, "figures of no frames")
            func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(values.count) }
            // Quarters share the frames at their borders, which lie at whole places next to 0, 1/4, ... of the way.
            let borders = (0...4).map { Int((Double(values.count - 1) * Double($0) / 4 + 1e-10).rounded()) }
            self.init(
                mean: mean(values), recall: Double(values.count { $0 > 0.5 }) / Double(values.count),
                decay: mean(values[borders[0]...borders[1]]) - mean(values[borders[3]...borders[4]]))
        }

        /// The mean of each figure.
        public init(meanOf all: [Figures]) {
            precondition(!all.isEmpty, "the mean of no figures")
            func mean(_ figure: KeyPath<Figures, Double>) -> Double {
                all.reduce(0) { $0 + $1[keyPath: figure] } / Double(all.count)
            }
            self.init(mean: mean(\.mean), recall: mean(\.recall), decay: mean(\.decay))
        }
    }

    public struct Object: Equatable, Sendable {
        /// Its number in the masks.
        public let number: Int
        /// J of each scored frame.
        public let regionValues: [Double]
        /// F of each scored frame.
        public let contourValues: [Double]

        public init(number: Int, regionValues: [Double], contourValues: [Double]) {
            self.number = number
            self.regionValues = regionValues
            self.contourValues = contourValues
        }

        /// J.
        public var region: Figures { Figures(of: regionValues) }
        /// F.
        public var contour: Figures { Figures(of: contourValues) }
    }

    public struct Sequence: Equatable, Sendable {
        public let name: String
        /// Names of the scored frames, without extension.
        public let frames: [String]
        public let objects: [Object]

        public init(name: String, frames: [String], objects: [Object]) {
            self.name = name
            self.frames = frames
            self.objects = objects
        }

        /// Means over the sequence's objects.
        public var region: Figures { Figures(meanOf: objects.map(\.region)) }
        public var contour: Figures { Figures(meanOf: objects.map(\.contour)) }
    }

    /// At least one.
    public let sequences: [Sequence]

    public init(sequences: [Sequence]) {
        precondition(!sequences.isEmpty, "the score of no sequences")
        self.sequences = sequences
    }

    /// Means over all objects of all sequences, each once; not over sequences.
    public var region: Figures { Figures(meanOf: sequences.flatMap(\.objects).map(\.region)) }
    public var contour: Figures { Figures(meanOf: sequences.flatMap(\.objects).map(\.contour)) }
    /// J&F: the mean of the global means of both.
    public var overall: Double { (region.mean + contour.mean) / 2 }
}

// MARK: - JSON

extension VideoScore: Encodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private struct Values: Encodable {
        let mean: Double
        let recall: Double
        let decay: Double
        let frames: [Double]

        init(_ figures: Figures, _ frames: [Double]) {
            (mean, recall, decay, self.frames) = (figures.mean, figures.recall, figures.decay, frames)
        }
    }

    /// `global`, and `sequences` by name with their `objects` by number.
    public func encode(to encoder: any Encoder) throws {
        var root = encoder.container(keyedBy: Name.self)
        var global = root.nestedContainer(keyedBy: Name.self, forKey: Name("global"))
        try global.encode(overall, forKey: Name("J&F"))
        try global.encode(region, forKey: Name("J"))
        try global.encode(contour, forKey: Name("F"))
        var list = root.nestedContainer(keyedBy: Name.self, forKey: Name("sequences"))
        for sequence in sequences {
            var entry = list.nestedContainer(keyedBy: Name.self, forKey: Name(sequence.name))
            try entry.encode(sequence.region, forKey: Name("J"))
            try entry.encode(sequence.contour, forKey: Name("F"))
            try entry.encode(sequence.frames, forKey: Name("frames"))
            var objects = entry.nestedContainer(keyedBy: Name.self, forKey: Name("objects"))
            for object in sequence.objects {
                var measures = objects.nestedContainer(keyedBy: Name.self, forKey: Name(String(object.number)))
                try measures.encode(Values(object.region, object.regionValues), forKey: Name("J"))
                try measures.encode(Values(object.contour, object.contourValues), forKey: Name("F"))
            }
        }
    }
}
