import Foundation
import SelfPatchFormats
import SelfPatchTensors
import TestSupport
import Testing

#if os(Linux)
    /// The program's way with a GPU, on a machine that may have none. The GPU is `FakeCUDA`: what is held here is where tensors live, what
    /// is waited for, and that the numbers are the CPU's. Speed, and what a card makes of kernels, only a true one can show.
    @Suite(.serialized) struct CUDATests {
        private static func onFakeGPU(_ body: (TemporaryFolder, FakeCUDA) throws -> Void) throws {
            try withTemporaryFolder { folder in
                try withTemporaryFolder { libraries in
                    try body(folder, FakeCUDA(in: libraries, libtorch: Libtorch.libraryPath))
                }
            }
        }

        private struct Step: Decodable {
            let loss: Double
            let imageLoss: Double
            let patchLoss: Double
            let gradientNorm: Double
        }

        private static func steps(_ tiny: TinyRun, _ output: String) throws -> [Step] {
            try tiny.text("\(output)/metrics.jsonl").split(separator: "\n").map {
                try JSONDecoder().decode(Step.self, from: Data($0.utf8))
            }
        }

        /// Float32 on both: kernels differ in the order of their sums, and the steps follow each other for a while.
        @Test(arguments: [
            [], ["schedule.viewsInTurn=true", "schedule.checkpointActivations=true", "schedule.accumulation=2"],
        ])
        func aRunIsThatOfTheCPU(more: [String]) throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                let settings = ["schedule.length=12 steps", "precision=float32"] + more
                let here = try tiny.run("cpu", settings)
                #expect(here.exitCode == 0, "\(here)")
                let there = try ProgramRun.of(
                    tiny.arguments(output: "cuda", settings + ["device=cuda"]), environment: gpu.environment)
                #expect(there.exitCode == 0, "\(there)")
                let (ours, theirs) = (try Self.steps(tiny, "cuda"), try Self.steps(tiny, "cpu"))
                try #require(ours.count == 12 && theirs.count == 12)
                #expect(try gpu.report().operationCount > 10_000)
                for (a, b) in zip(ours, theirs) {
                    #expect(abs(a.imageLoss - b.imageLoss) < 1e-4 && abs(a.patchLoss - b.patchLoss) < 1e-4, "\(a) \(b)")
                    #expect(abs(a.gradientNorm / b.gradientNorm - 1) < 1e-2, "\(a) \(b)")
                }
            }
        }

        /// In bf16, blocks computed again for the backward are so in the same type.
        @Test func aRunInBF16IsNearThatOfTheCPU() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                func steps(_ name: String, _ more: String...) throws -> [Step] {
                    let settings = ["schedule.length=8 steps", "precision=bf16"] + more
                    let run = try ProgramRun.of(
                        tiny.arguments(output: name, settings), environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    return try Self.steps(tiny, name)
                }
                let cpu = try steps("cpu")
                let plain = try steps("cuda", "device=cuda")
                let again = try steps("again", "device=cuda", "schedule.checkpointActivations=true")
                try #require(cpu.count == 8 && plain.count == 8 && again.count == 8)
                for (a, b) in zip(plain, cpu) { #expect(abs(a.loss - b.loss) < 0.05, "\(a) \(b)") }
                for (a, b) in zip(plain, again) {
                    #expect(abs(a.loss - b.loss) < 0.01 && abs(a.gradientNorm / b.gradientNorm - 1) < 0.02, "\(a) \(b)")
                }
            }
        }

        /// Our kernels and libtorch's operations for the same, in bf16 and with layer norms that are wide enough for ours.
        @Test func kernelsSayWhatLibtorchSays() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                func run(_ name: String, _ environment: [String: String]) throws -> (ProgramRun, [Step], [String: Int])
                {
                    let settings = [
                        "schedule.length=6 steps", "precision=bf16", "model.width=64", "device=cuda",
                        "optimizer.learningRate=0.001",
                    ]
                    let run = try ProgramRun.of(
                        tiny.arguments(output: name, settings),
                        environment: gpu.environment.merging(environment) { $1 })
                    try #require(run.exitCode == 0, "\(run)")
                    let kernels = try gpu.report().operations.filter { $0.key.hasPrefix("kernel ") }
                    return (run, try Self.steps(tiny, name), kernels)
                }
                let (ours, steps, kernels) = try run("ours", [:])
                #expect(!ours.errors.contains("kernels"), "\(ours)")
                for name in [
                    "centered_softmax", "cross_entropy_into_gradient", "layer_norm", "layer_norm_gradient",
                    "neighbor_similarities", "neighbor_attention", "add_scaled", "scale_rounded",
                ] {
                    #expect(kernels["kernel \(name)", default: 0] > 6, "\(kernels)")
                }
                let (without, others, none) = try run("without", ["SELFPATCH_GPU_KERNELS": "0"])
                #expect(none.isEmpty && without.errors.contains("cuda:0 goes without kernels of ours"), "\(without)")
                try #require(steps.count == 6 && others.count == 6)
                // Where a number is rounded to 8 bits, the order of sums soon shows; so the first step counts, and its gradients. Class
                // attention by operations rounds its products, too, by kernels nothing: that is seen in the patch loss alone.
                for (step, (a, b)) in zip(steps, others).enumerated() {
                    #expect(abs(a.imageLoss - b.imageLoss) < (step == 0 ? 1e-3 : 0.03), "\(a) \(b)")
                    #expect(abs(a.patchLoss - b.patchLoss) < (step == 0 ? 0.02 : 0.03), "\(a) \(b)")
                    #expect(abs(a.gradientNorm / b.gradientNorm - 1) < (step == 0 ? 3e-3 : 0.03), "\(a) \(b)")
                }
            }
        }

        /// A kernel that does not do what it should is found before anything is computed with it, and done without.
        @Test(arguments: ["cross_entropy_into_gradient", "neighbor_attention"])
        func aKernelThatIsWrongIsDoneWithout(kernel: String) throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                let run = try ProgramRun.of(
                    tiny.arguments(output: "out", ["schedule.length=3 steps", "device=cuda"]),
                    environment: gpu.environment.merging(["FAKE_CUDA_BROKEN_KERNEL": kernel]) { $1 })
                #expect(run.exitCode == 0 && tiny.steps("out") == 3, "\(run)")
                let sentence =
                    "cuda:0 goes without kernels of ours and is slower for it: the kernel \(kernel) is wrong on it"
                #expect(run.errors.components(separatedBy: sentence).count == 2, "\(run)")
                #expect(try gpu.report().operations["kernel \(kernel)"] == 1)
            }
        }

        /// What a user asks first of a machine with a GPU, before any tensor is there.
        @Test func theDoctorAndTheBatchThatFitsFindIt() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                let fitted = try ProgramRun.of(
                    tiny.arguments(output: "fitted", ["schedule.length=2 steps", "device=cuda"]) + ["--batch", "auto"],
                    environment: gpu.environment)
                #expect(fitted.exitCode == 0, "\(fitted)")
                let doctor = try ProgramRun.of(["doctor"], environment: gpu.environment)
                #expect(doctor.exitCode == 0 && doctor.output.contains("cuda:0, 17."), "\(doctor)")
                #expect(doctor.output.contains("has kernels of ours"), "\(doctor)")
            }
        }

        /// Counts of one step, by the difference of two runs: the host waits once, for the losses, and the views are not what it waits
        /// for. How many operations a step asks for is the same in every run; it may be 10 per cent more than 1,468 and no more.
        @Test func aStepWaitsOnce() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                func counts(steps: Int) throws -> FakeCUDA.Report {
                    let settings = [
                        "schedule.length=\(steps) steps", "device=cuda", "run.checkpointEvery=1000 steps",
                        "health.isWatched=false", "precision=bf16", "optimizer.clip=0.0001",
                    ]
                    let run = try ProgramRun.of(
                        tiny.arguments(output: "\(steps)", settings), environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    return try gpu.report()
                }
                let (few, many) = (try counts(steps: 4), try counts(steps: 12))
                // Views that were sent and never asked for are waited for when the run ends.
                let waits = ["number", "download", "stream", "device"].map {
                    (many.waits[$0] ?? 0) - (few.waits[$0] ?? 0)
                }
                #expect(waits.reduce(0, +) == 8, "\(few.waits), then \(many.waits)")
                let bytes = 4 * 3 * (2 * 16 * 16 + 2 * 8 * 8)  // of a batch's views
                // Each of a run's two loaders is up to two batches ahead when it ends.
                #expect(many.asideBytes >= 14 * bytes && many.asideBytes <= 18 * bytes, "\(many.asideBytes)")
                #expect(many.slowUploads == few.slowUploads)
                // Every gradient is too long here, and all are shortened by one call.
                let clips = ["aten::_foreach_mul_", "aten::mul_"].map {
                    (many.operations[$0] ?? 0) - (few.operations[$0] ?? 0)
                }
                #expect(clips == [8, 0])
                let operations = (many.operationCount - few.operationCount) / 8
                #expect(operations > 1000 && operations <= 1614, "\(operations) operations a step")
            }
        }

        @Test func aRunThatWasStoppedEndsAsOneThatWasNot() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                let whole = try ProgramRun.of(
                    tiny.arguments(output: "whole", ["device=cuda"]), environment: gpu.environment)
                try #require(whole.exitCode == 0, "\(whole)")
                // A step waits at least once, the trial of the kernels before it some thirty times.
                let stopped = try ProgramRun.of(
                    tiny.arguments(output: "parted", ["device=cuda"]), environment: gpu.environment(stoppingAtWait: 60))
                #expect(stopped.exitCode == 128 + SIGTERM, "\(stopped)")
                #expect(1..<40 ~= tiny.steps("parted"), "\(stopped)")
                let rest = try ProgramRun.of(
                    ["pretrain", "--resume", folder.file("parted")], environment: gpu.environment)
                #expect(rest.exitCode == 0, "\(rest)")
                #expect(try tiny.text("parted/metrics.jsonl") == tiny.text("whole/metrics.jsonl"))
                #expect(try tiny.data("parted/weights.safetensors") == tiny.data("whole/weights.safetensors"))
            }
        }

        /// Heads are trained, and score, as on the CPU.
        @Test func headsLearnAsOnTheCPU() throws {
            try Self.onFakeGPU { folder, gpu in
                try SegmentTests.prepare(folder)
                func losses(_ output: String, _ arguments: [String]) throws -> [Double] {
                    struct Line: Decodable { let loss: Double }
                    let run = try ProgramRun.of(arguments, environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    if output.hasSuffix("-cuda") { #expect(try gpu.report().operationCount > 500) }
                    return try folder.text("\(output)/metrics.jsonl").split(separator: "\n").compactMap {
                        try? JSONDecoder().decode(Line.self, from: Data($0.utf8)).loss
                    }
                }
                func compare(_ name: String, _ arguments: (_ device: String) -> [String]) throws {
                    let (ours, theirs) = (
                        try losses("\(name)-cuda", arguments("cuda")), try losses("\(name)-cpu", arguments("cpu"))
                    )
                    try #require(ours.count == theirs.count && ours.count > 3, "\(name): \(ours), \(theirs)")
                    for (a, b) in zip(ours, theirs) { #expect(abs(a - b) < 1e-3 * abs(b), "\(name): \(a), \(b)") }
                }
                for head in ["linear", "semantic-fpn", "upernet"] {
                    try compare(head) {
                        SegmentTests.arguments(
                            folder, "\(head)-\($0)", "--preset", "small-\(head)", "--device", $0, "--set",
                            "length=4 steps",
                            "--set", "precision=float32")
                    }
                }
                let drawn = try DrawnDetection(in: folder)
                try compare("detector") {
                    drawn.arguments(
                        weights: folder.file("weights"), output: "detector-\($0)",
                        ["device=\($0)", "length=4 steps", "precision=float32"])
                }
            }
        }

        /// Of the cosines only those of the nearest come to the host.
        @Test func nearestNeighborsAreThoseOfTheCPU() throws {
            try Self.onFakeGPU { folder, gpu in
                try SegmentTests.prepare(folder)
                try LinearTests.draw(in: folder)
                func output(_ device: String, _ command: [String]) throws -> Data {
                    let run = try ProgramRun.of(
                        command + ["--weights", folder.file("weights"), "--json", "--device", device],
                        environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    return Data(run.output.utf8)
                }
                let images = ["knn", "--train", folder.file("train"), "--val", folder.file("val"), "--neighbors", "3"]
                let ours = try output("cuda", images)
                let (features, nearest) = (4 * 2 * (8 + 8) * 16, (4 + 4) * 2 * 8 * 3)
                #expect(try gpu.report().downloadedBytes == features + nearest)
                #expect(try ours == output("cpu", images))

                struct Score: Decodable { let accuracy, meanIoU: Double }
                func score(_ device: String) throws -> Score {
                    try JSONDecoder().decode(
                        Score.self,
                        from: output(
                            device,
                            [
                                "segment", "--head", "knn", "--data", folder.file("data"), "--first-class", "1",
                                "--ignore", "0", "--side", "32",
                            ]))
                }
                let patches = try score("cuda")
                #expect(try gpu.report().operations["aten::topk"] == 2 * 3, "two for each image")
                let theirs = try score("cpu")
                #expect(abs(patches.accuracy - theirs.accuracy) < 0.01 && abs(patches.meanIoU - theirs.meanIoU) < 0.01)
            }
        }

        @Test(arguments: ["crop", "none"]) func aProbeLearnsAsOnTheCPU(augment: String) throws {
            try Self.onFakeGPU { folder, gpu in
                try LinearTests.prepare(folder)
                func losses(_ device: String) throws -> [[String: Double]] {
                    let run = try ProgramRun.of(
                        LinearTests.arguments(
                            folder, device, "--augment", augment, "--epochs", "12", "--rate", "0.3", "--rate", "3",
                            "--device", device), environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    if device == "cuda" { #expect(try gpu.report().operationCount > 500) }
                    return try folder.text("\(device)/metrics.jsonl").split(separator: "\n").map {
                        try JSONDecoder().decode([String: Double].self, from: Data($0.utf8))
                            .filter { $0.key.hasPrefix("loss.") }
                    }.filter { !$0.isEmpty }
                }
                let (ours, theirs) = (try losses("cuda"), try losses("cpu"))
                try #require(ours.count == 12 && theirs.count == 12)
                for (a, b) in zip(ours, theirs) {
                    #expect(a.keys == b.keys && a.count == 6)
                    #expect(a.allSatisfy { abs($0.value - (b[$0.key] ?? .nan)) < 1e-3 }, "\(a), \(b)")
                }
            }
        }

        /// Features are taken before the first step; of many images that takes long.
        @Test(arguments: ["crop", "none"]) func aProbeStopsWhileItTakesFeatures(augment: String) throws {
            try Self.onFakeGPU { folder, gpu in
                try LinearTests.prepare(folder)
                let stopped = try ProgramRun.of(
                    LinearTests.arguments(
                        folder, "out", "--augment", augment, "--epochs", "3", "--rate", "3", "--device", "cuda"),
                    environment: gpu.environment(stoppingAtWait: 1))
                #expect(stopped.exitCode == 128 + SIGTERM, "\(stopped)")
                #expect(
                    stopped.errors.contains("after 0 of 3 steps. Go on with: selfpatch linear --resume"), "\(stopped)")
                let rest = try ProgramRun.of(["linear", "--resume", folder.file("out")], environment: gpu.environment)
                #expect(rest.exitCode == 0, "\(rest)")
            }
        }

        @Test func featuresAreThoseOfTheCPU() throws {
            try Self.onFakeGPU { folder, gpu in
                let tiny = try TinyRun(in: folder)
                try #require(try tiny.run("run", ["schedule.length=4 steps"]).exitCode == 0)
                func features(_ device: String) throws -> [Float] {
                    let file = folder.file("\(device).safetensors")
                    let run = try ProgramRun.of(
                        [
                            "embed", tiny.images, "--weights", folder.file("run"), "--features", "dense", "--output",
                            file,
                            "--device", device,
                        ], environment: gpu.environment)
                    try #require(run.exitCode == 0, "\(run)")
                    if device == "cuda" { #expect(try gpu.report().operationCount > 20) }
                    let stored = try SafetensorsFile(path: file)
                    let entry = try #require(stored.entries.first)
                    return Tensor.load(entry, from: stored).floats()
                }
                let (ours, theirs) = (try features("cuda"), try features("cpu"))
                try #require(ours.count == theirs.count && ours.count >= 10 * 16 * 16)
                #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 1e-4 })
            }
        }
    }
#endif
