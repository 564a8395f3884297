import Foundation

/// J and F of a set of videos: of each object in each frame, and their means.
package struct VideoScore: Equatable, Sendable {
    /// What is said of the values of one measure over an object's frames.
    package struct Figures: Codable, Equatable, Sendable {
        package let mean: Double
        /// The share of frames with a value above one half.
        package let recall: Double
        /// How much the measure falls from the first quarter of the frames to the last.
        package let decay: Double

        package init(mean: Double, recall: Double, decay: Double) {
            self.mean = mean
            self.recall = recall
            self.decay = decay
        }

        /// - Parameter values: one for each scored frame, at least one.
        package init(of values: [Double]) {
            precondition(!values.isEmpty, "figures of no frames")
            func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(values.count) }
            // Quarters share the frames at their borders, which lie at whole places next to 0, 1/4, ... of the way.
            let borders = (0...4).map { Int((Double(values.count - 1) * Double($0) / 4 + 1e-10).rounded()) }
            self.init(
                mean: mean(values), recall: Double(values.count { $0 > 0.5 }) / Double(values.count),
                decay: mean(values[borders[0]...borders[1]]) - mean(values[borders[3]...borders[4]]))
        }

        /// The mean of each figure.
        package init(meanOf all: [Figures]) {
            precondition(!all.isEmpty, "the mean of no figures")
            func mean(_ figure: KeyPath<Figures, Double>) -> Double {
                all.reduce(0) { $0 + $1[keyPath: figure] } / Double(all.count)
            }
            self.init(mean: mean(\.mean), recall: mean(\.recall), decay: mean(\.decay))
        }
    }

    package struct Object: Equatable, Sendable {
        /// Its number in the masks.
        package let number: Int
        /// J of each scored frame.
        package let regionValues: [Double]
        /// F of each scored frame.
        package let contourValues: [Double]

        package init(number: Int, regionValues: [Double], contourValues: [Double]) {
            self.number = number
            self.regionValues = regionValues
            self.contourValues = contourValues
        }

        /// J.
        package var region: Figures { Figures(of: regionValues) }
        /// F.
        package var contour: Figures { Figures(of: contourValues) }
    }

    package struct Sequence: Equatable, Sendable {
        package let name: String
        /// Names of the scored frames, without extension.
        package let frames: [String]
        package let objects: [Object]

        package init(name: String, frames: [String], objects: [Object]) {
            self.name = name
            self.frames = frames
            self.objects = objects
        }

        /// Means over the sequence's objects.
        package var region: Figures { Figures(meanOf: objects.map(\.region)) }
        package var contour: Figures { Figures(meanOf: objects.map(\.contour)) }
    }

    /// At least one.
    package let sequences: [Sequence]

    package init(sequences: [Sequence]) {
        precondition(!sequences.isEmpty, "the score of no sequences")
        self.sequences = sequences
    }

    /// Means over all objects of all sequences, each once; not over sequences.
    package var region: Figures { Figures(meanOf: sequences.flatMap(\.objects).map(\.region)) }
    package var contour: Figures { Figures(meanOf: sequences.flatMap(\.objects).map(\.contour)) }
    /// J&F: the mean of the global means of both.
    package var overall: Double { (region.mean + contour.mean) / 2 }
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
    package func encode(to encoder: any Encoder) throws {
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
