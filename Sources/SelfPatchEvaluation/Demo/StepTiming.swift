import SelfPatchData
import SelfPatchTensors
import SelfPatchTraining

/// How long a training step takes on this machine, tried with views of noise on a network that is then forgotten.
package enum StepTiming {
    /// - Parameters:
    ///   - steps: timed steps; one more goes before them.
    /// - Returns: seconds of the middle one of the timed steps.
    package static func seconds(_ settings: PretrainSettings, on device: Device, steps: Int = 5) throws -> Double {
        precondition(steps > 0, "\(steps) steps")
        let learner = Learner(settings.learner(on: device), device: device)
        let part = BatchPart(.noise(images: settings.schedule.batchSize, settings.views), settings.views, on: device)
        var times: [Double] = []
        for number in 0...steps {
            let start = ContinuousClock.now
            _ = try learner.step([part], .still, number: number)
            device.synchronize()
            if number > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        return times.sorted()[steps / 2]
    }
}
