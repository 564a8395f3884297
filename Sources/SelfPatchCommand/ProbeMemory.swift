import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

/// Does two training steps on noise and prints the most memory that they took. `--batch auto` runs it in a process of its
/// own, which may run out of memory without harm.
struct ProbeMemory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe-memory", abstract: "Print the bytes that a training step takes.", shouldDisplay: false)

    @Option var settings: String

    func run() throws {
        var tree = try SettingsTree(encoding: PretrainSettings())
        try tree.overlay(file: settings)
        let settings = try tree.decode(PretrainSettings.self)
        let device = try Device.resolve(settings.device)
        Libtorch.threadCount = settings.threads > 0 ? settings.threads : ProcessInfo.processInfo.activeProcessorCount
        let learner = Learner(settings.learner(on: device), device: device)
        for step in 0..<2 {
            let part = BatchPart(
                .noise(images: settings.schedule.batchSize, settings.views), settings.views, on: device)
            _ = try learner.step([part], .still, number: step, watched: true)
            device.synchronize()
        }
        print(device.peakBytes)
    }
}
