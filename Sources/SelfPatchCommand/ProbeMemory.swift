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
        let rates = Rates(
            learningRate: 0, weightDecay: 0, teacherMomentum: 1, imageTemperature: 0.04, patchTemperature: 0.04,
            lastLayerIsFrozen: false)
        for step in 0..<2 {
            let part = BatchPart(Self.noise(settings), settings.views, on: device)
            _ = try learner.step([part], rates, number: step, watched: true)
            device.synchronize()
        }
        print(Self.peakBytes(device))
    }

    private static func noise(_ settings: PretrainSettings) -> ViewBatch {
        let images = settings.schedule.batchSize
        let views = settings.views
        var generator = KeyedGenerator(1)
        func pixels(_ count: Int, _ size: ViewSize) -> Tensor {
            let bytes = (0..<(count * views.channels * size.pixels)).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
            return Tensor.from(bytes, shape: [count, views.channels, size.height, size.width])
        }
        return ViewBatch(
            names: [], samples: 0..<images, globalViews: pixels(views.globalCount * images, views.globalSize),
            localViews: views.localCount > 0 ? pixels(views.localCount * images, views.localSize) : nil)
    }

    private static func peakBytes(_ device: Device) -> Int {
        if case .cuda(let index) = device { return CUDA.memory(of: index).peak }
        var usage = rusage()
        getrusage(0, &usage)  // RUSAGE_SELF; its type differs between systems.
        #if os(Linux)
            return usage.ru_maxrss * 1024
        #else
            return usage.ru_maxrss
        #endif
    }
}
