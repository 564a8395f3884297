import SelfPatchData
import SelfPatchTensors
import SelfPatchTraining

/// How long a training step takes on this machine, tried with views of noise on a network that is then forgotten.
package enum StepTiming {
    /// Other work on the machine only ever lengthens a step, and often for moments: the fastest of some steps is asked for.
    ///
    /// - Parameter seconds: after these no further step is begun, once there were three.
    /// - Returns: seconds of the fastest of at most 12 steps; one more goes before them.
    package static func seconds(
        _ settings: PretrainSettings, on device: Device, within seconds: Double = 10
    ) throws -> Double {
        let learner = Learner(settings.learner(on: device), device: device)
        let part = BatchPart(.noise(images: settings.schedule.batchSize, settings.views), settings.views, on: device)
        var times: [Double] = []
        for number in 0...12 where times.count < 3 || times.reduce(0, +) < seconds {
            let start = ContinuousClock.now
            _ = try learner.step([part], .still, number: number)
            device.synchronize()
            if number > 0 { times.append((ContinuousClock.now - start) / .seconds(1)) }
        }
        return times.min() ?? 0
    }
}
