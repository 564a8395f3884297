import ArgumentParser

/// `selfpatch bench`: how fast this machine is.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a part of the program on this machine.",
        subcommands: [
            BenchAugment.self,
            BenchDetection.self,
            BenchFeatures.self,
            BenchLoss.self,
            BenchRegions.self,
            BenchStep.self,
        ])
}
