import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// How long a training step takes on this machine, tried with views of noise on a network that is then forgotten.
public enum StepTiming {
    /// - Parameters:
    ///   - steps: timed steps; one more goes before them.
    /// - Returns: seconds of the middle one of the timed steps.
    public static func seconds(_ settings: PretrainSettings, on device: Device, steps: Int = 5) throws -> Double {
        precondition(steps > 0, "\(steps) steps")
        let learner = Learner(settings.learner(on: device), device: device)
        let part = noise(settings, on: device)
        let rates = Rates(
            learningRate: 0, weightDecay: 0, teacherMomentum: 1, imageTemperature: 0.04, patchTemperature: 0.04,
            lastLayerIsFrozen: false)
        var times: [Double] = []
        for number in 0...steps {
            let start = ContinuousClock.now
            _ = try learner.step([part], rates, number: number)
            device.synchronize()
            if number > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        return times.sorted()[steps / 2]
    }

    private static func noise(_ settings: PretrainSettings, on device: Device) -> BatchPart {
        let generator = Generator(seed: 0)
        let images = settings.schedule.batchSize
        func views(_ numbers: Range<Int>, _ height: Int, _ width: Int) -> Views {
            let shape = [numbers.count * images, settings.views.channels, height, width]
            let pixels = Tensor.normal(shape, mean: 0, deviation: 1, using: generator).moved(to: device)
            return Views(pixels: pixels, numbers: numbers, samples: 0..<images)
        }
        let (global, local) = (settings.views.globalSize, settings.views.localSize)
        var groups = [views(0..<2, global.height, global.width)]
        if settings.views.localCount > 0 {
            groups.append(views(2..<2 + settings.views.localCount, local.height, local.width))
        }
        return BatchPart(groups)
    }
}
