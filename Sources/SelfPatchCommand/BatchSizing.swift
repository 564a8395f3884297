import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

/// `--batch auto`: the batch of the settings, in as few parts as fit into memory.
///
/// A step takes its images in parts one after the other with the same result, so a small memory costs time, not the
/// recipe. What a part takes is measured on two small ones, each in a process of its own, and drawn on in a straight line.
struct BatchSizing {
    let settings: PretrainSettings
    let device: Device
    /// In the data.
    let images: Int

    /// The settings with batch and parts, and a sentence about them.
    ///
    /// - Throws: `UserError` if not even one image at a time fits.
    func fitted() throws -> (settings: PretrainSettings, sentence: String?) {
        var fitted = settings
        fitted.schedule.batchSize = min(settings.schedule.batchSize, images)
        let batch = fitted.schedule.batchSize
        let available = 0.9 * Double(device.freeBytes)
        let few = min(2, batch)
        let more = min(8, batch)
        let small = try measure(few)
        let large = more > few ? try measure(more) : small
        let perImage = more > few ? max(0, (large - small) / Double(more - few)) : small
        let fixed = max(0, small - perImage * Double(few))

        func needed(_ parts: Int) -> Double {
            let share = Double((batch + parts - 1) / parts)
            // With several parts the views of all of them wait for their turn.
            return fixed + 1.1 * perImage * share + (parts > 1 ? Double(batch) * viewBytes : 0)
        }
        guard let parts = (1...batch).first(where: { needed($0) <= available }) else {
            throw UserError(
                "Not even one image at a time fits: about \(StepMemory.size(needed(batch))) would be needed on \(device), and "
                    + "\(StepMemory.size(available)) are free. Take a smaller model or smaller heads, or fewer images a step."
            )
        }
        fitted.schedule.accumulation = parts
        let how = parts == 1 ? "at once" : "in \(parts) parts one after the other"
        return (
            fitted,
            "--batch auto: \(batch) images a step, \(how); about \(StepMemory.size(needed(parts))) of the \(StepMemory.size(available)) "
                + "that are free on \(device)."
        )
    }

    /// Bytes of an image's views as they wait: one a number.
    private var viewBytes: Double {
        let views = settings.views
        let pixels = views.globalCount * views.globalSize.pixels + views.localCount * views.localSize.pixels
        return Double(views.channels * pixels)
    }

    /// Peak bytes of a step with so many images.
    private func measure(_ images: Int) throws -> Double {
        var probe = settings
        probe.schedule.batchSize = images
        probe.schedule.accumulation = 1
        probe.device = "\(device)"
        let path = NSTemporaryDirectory() + "/selfpatch-probe-\(getpid()).yaml"
        try AtomicFile.write(Data(try SettingsTree(encoding: probe).yaml().utf8), to: path)
        defer { unlink(path) }
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = ["probe-memory", "--settings", path]
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
        } catch {
            throw UserError("Cannot measure what a step takes: the program could not start itself a second time.")
        }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard process.terminationStatus == 0, let peak = Double(text) else {
            let last = said.split(separator: "\n").first.map(String.init) ?? "it was ended by the system"
            throw UserError(
                "Cannot measure what a step of \(images) images takes on \(device): \(last) Name the batch with --batch N."
            )
        }
        return peak
    }
}
