import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// Runs that are stopped, killed, damaged or starved, and go on: in the end they are those that never stopped, bit for bit.
@Suite(.serialized) struct ResumeTests {
    /// Compares all that a run computes with a run that never stopped.
    func requireSame(_ run: TinyRun, _ output: String, as whole: String) throws {
        #expect(try run.text("\(output)/metrics.jsonl") == run.text("\(whole)/metrics.jsonl"))
        #expect(try run.data("\(output)/weights.safetensors") == run.data("\(whole)/weights.safetensors"))
        #expect(run.checkpoints(output).last == run.checkpoints(whole).last)
        let last = try #require(run.checkpoints(whole).last)
        let ours = try SafetensorsFile(path: run.folder.file("\(output)/checkpoints/\(last)"))
        let theirs = try SafetensorsFile(path: run.folder.file("\(whole)/checkpoints/\(last)"))
        #expect(ours.metadata == theirs.metadata)
    }

    @Test func aRunWritesEverythingItShould() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let run = try tiny.run("a", options: ["--json"])
            #expect(run.exitCode == 0, "\(run)")
            let summary = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            #expect(summary?["ending"] as? String == "complete" && summary?["steps"] as? Int == 40)
            #expect(
                run.errors.contains("step 40/40") && run.errors.contains("image loss")
                    && run.errors.contains("patch loss"))
            #expect(
                tiny.checkpoints("a") == [
                    "step-000000020.safetensors", "step-000000030.safetensors", "step-000000040.safetensors",
                ])
            #expect(try tiny.text("a/checkpoints/latest") == "step-000000040.safetensors\n")
            #expect(try tiny.text("a/log.txt").contains("Complete after 40 steps."))
            #expect(try tiny.text("a/settings.yaml").contains("  patchWeight: 1\n"))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("a")).sorted()
            #expect(
                names == [
                    ".lock", "checkpoints", "log.txt", "metrics.jsonl", "settings.yaml", "speed.jsonl",
                    "weights.safetensors",
                ])

            let lines = try tiny.text("a/metrics.jsonl").split(separator: "\n")
            #expect(lines.count == 40)
            for (index, line) in lines.enumerated() {
                let numbers = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(numbers["step"] as? Int == index + 1)
                #expect(numbers["epoch"] as? Int == index / 2 + 1)
                for name in ["loss", "imageLoss", "patchLoss", "learningRate", "gradientNorm"] {
                    #expect((numbers[name] as? Double)?.isFinite == true, "\(name) in \(line)")
                }
            }
            #expect(lines[9].contains("\"teacherEntropy\"") && lines[9].contains("\"withinImageShare\""))

            let weights = try SafetensorsFile(path: folder.file("a/weights.safetensors"))
            try weights.verifyChecksum()
            #expect(weights["backbone.blocks.1.attn.qkv.weight"]?.shape == [48, 16])
            #expect(weights["ca_head.cls_token"] != nil && weights["p_head.last_layer.weight_v"]?.shape == [16, 8])
            for name in ["architecture", "heads", "mean", "deviation", "view_size", "steps"] {
                #expect(weights.metadata[name] != nil, "\(name)")
            }
            #expect(weights.metadata["view_size"] == "[16,16]")
        }
    }

    @Test func numbersDoNotDependOnWorkersOrPlace() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("a").exitCode == 0)
            #expect(
                try tiny.run("b", ["data.workers=1", "run.logEvery=7", "run.checkpointEvery=0 steps"]).exitCode == 0)
            #expect(try tiny.text("a/metrics.jsonl") == tiny.text("b/metrics.jsonl"))
            #expect(try tiny.data("a/weights.safetensors") == tiny.data("b/weights.safetensors"))
            #expect(tiny.checkpoints("b") == ["step-000000040.safetensors"])
            #expect(try tiny.run("c", ["seed=1"]).exitCode == 0)
            #expect(try tiny.text("a/metrics.jsonl") != tiny.text("c/metrics.jsonl"))
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func stoppedBySignalAndResumedIsNeverStopped(signal: Int32) throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let long = ["schedule.length=80 steps"]
            let whole = try tiny.run("whole", long)
            #expect(whole.exitCode == 0, "\(whole)")
            let running = try tiny.start("stopped", long)
            #expect(running.wait { tiny.steps("stopped") >= 7 })
            running.send(signal)
            let stopped = running.wait()
            #expect(stopped.exitCode == 128 + signal, "\(stopped)")
            #expect(stopped.errors.contains("--resume \(folder.file("stopped"))"))
            let done = tiny.steps("stopped")
            #expect(done < 80)
            #expect(!FileManager.default.fileExists(atPath: folder.file("stopped/weights.safetensors")))
            #expect(tiny.checkpoints("stopped").last?.contains("\(done).safetensors") == true)
            let resumed = try tiny.resume("stopped")
            #expect(resumed.exitCode == 0, "\(resumed)")
            #expect(resumed.errors.contains("Going on after \(done) steps"))
            try requireSame(tiny, "stopped", as: "whole")

            let again = try tiny.resume("stopped")
            #expect(again.exitCode == 0 && again.errors.contains("Complete after 80 steps"), "\(again)")
            try requireSame(tiny, "stopped", as: "whole")
        }
    }

    @Test func aRunThatSetsItsCentersStopsToo() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let running = try tiny.start("a", ["teacher.centerWarmupSteps=100000"])
            let log = folder.file("a/log.txt")
            #expect(
                running.wait { (try? String(contentsOfFile: log, encoding: .utf8))?.contains("at its peak") == true })
            running.send(SIGTERM)
            let stopped = running.wait(timeout: .seconds(20))
            #expect(stopped.exitCode == 143, "\(stopped)")
            #expect(stopped.errors.contains("after 0 of 40 steps. Go on with"), "\(stopped)")
        }
    }

    /// Killed wherever it happens to be: while it starts, computes, writes metrics or a checkpoint.
    @Test func killedAtAnyMomentItGoesOn() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let often = ["schedule.length=100 steps", "run.checkpointEvery=3 steps"]
            #expect(try tiny.run("whole", often).exitCode == 0)
            var generator = SystemRandomNumberGenerator()
            var running = try tiny.start("killed", often)
            #expect(running.wait { tiny.steps("killed") >= 1 })
            var kills = 0
            while kills < 6 {
                usleep(UInt32.random(in: 0...250_000, using: &generator))
                running.send(SIGKILL)
                let end = running.wait()
                if end.exitCode == 0 { break }
                #expect(end.signal == SIGKILL, "\(end)")
                kills += 1
                let before = tiny.steps("killed")
                running = try RunningProgram(["pretrain", "--resume", folder.file("killed")])
                // It has begun to work when it has cut the metrics back and added to them, or is done.
                _ = running.wait(until: { tiny.steps("killed") != before || !running.isRunning }, timeout: .seconds(20))
            }
            let last = running.wait()
            #expect(last.exitCode == 0, "after \(kills) kills: \(last)")
            try requireSame(tiny, "killed", as: "whole")
            let leftovers = try FileManager.default.contentsOfDirectory(atPath: folder.file("killed/checkpoints"))
            #expect(!leftovers.contains { $0.hasSuffix(".partial") })
        }
    }

    @Test func aSecondSignalLeavesAtOnceAndHarmsNothing() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let long = ["schedule.length=80 steps", "run.checkpointEvery=5 steps"]
            #expect(try tiny.run("whole", long).exitCode == 0)
            let running = try tiny.start("stopped", long)
            #expect(running.wait { tiny.steps("stopped") >= 12 })
            running.send(SIGINT)
            running.send(SIGINT)
            running.send(SIGTERM)
            let stopped = running.wait(timeout: .seconds(20))
            #expect([130, 143].contains(stopped.exitCode), "\(stopped)")
            #expect(try tiny.resume("stopped").exitCode == 0)
            try requireSame(tiny, "stopped", as: "whole")
        }
    }

    @Test func aDamagedOrCutNewestCheckpointGivesWayToTheOneBefore() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("whole").exitCode == 0)
            #expect(try tiny.run("damaged").exitCode == 0)
            try FileManager.default.removeItem(atPath: folder.file("damaged/weights.safetensors"))
            let newest = "damaged/checkpoints/step-000000040.safetensors"
            var bytes = try tiny.data(newest)
            bytes[bytes.count / 2] ^= 1
            try folder.write(bytes, to: newest)
            let second = "damaged/checkpoints/step-000000030.safetensors"
            try folder.write(try tiny.data(second).dropLast(100), to: second)
            let resumed = try tiny.resume("damaged")
            #expect(resumed.exitCode == 0, "\(resumed)")
            #expect(resumed.errors.contains("step-000000040.safetensors is damaged"))
            #expect(resumed.errors.contains("step-000000030.safetensors") && resumed.errors.contains("cut short"))
            #expect(resumed.errors.contains("Going on after 20 steps"))
            try requireSame(tiny, "damaged", as: "whole")

            for name in tiny.checkpoints("damaged") { try folder.write("nonsense", to: "damaged/checkpoints/\(name)") }
            let hopeless = try tiny.resume("damaged")
            #expect(hopeless.exitCode == 1)
            #expect(hopeless.errors.contains("None of the checkpoints"), "\(hopeless)")
        }
    }

    @Test func aFullDiskEndsTheRunAndLeavesEarlierCheckpoints() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("whole").exitCode == 0)
            let running = try tiny.start("full")
            #expect(running.wait { tiny.checkpoints("full").count >= 1 })
            running.send(SIGTERM)
            _ = running.wait()
            let before = tiny.checkpoints("full")
            // 16 blocks of 512 or 1,024 bytes: less than a checkpoint has.
            let starved = try TinyRun.limited("ulimit -f 16", ["pretrain", "--resume", folder.file("full")])
            if tiny.steps("full") < 40 {
                #expect(starved.exitCode == 1, "\(starved)")
                #expect(starved.errors.contains("ulimit -f") && starved.errors.contains("Whole, after"), "\(starved)")
            }
            #expect(tiny.checkpoints("full").starts(with: before) || tiny.checkpoints("full") == before)
            #expect(try tiny.resume("full").exitCode == 0)
            try requireSame(tiny, "full", as: "whole")
        }
    }

    /// The batch stays, parts are chosen: where memory is plenty a single one, with the numbers of `--batch 4`.
    @Test func theBatchIsFittedIntoMemory() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("a").exitCode == 0)
            let run = try tiny.run("b", options: ["--batch", "auto"])
            #expect(run.exitCode == 0, "\(run)")
            #expect(run.errors.contains("--batch auto: 4 images a step, at once; about"), "\(run)")
            #expect(try tiny.text("a/metrics.jsonl") == tiny.text("b/metrics.jsonl"))
        }
    }

    @Test func theTimeLimitSavesAndStops() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let run = try tiny.run("a", ["schedule.length=1000000 steps"], options: ["--time-limit", "3s"])
            #expect(run.exitCode == 0, "\(run)")
            #expect(run.errors.contains("The time is up after"))
            #expect(tiny.checkpoints("a").last?.contains("\(tiny.steps("a")).safetensors") == true)
        }
    }

    @Test func resumeRefusesOtherSettingsAndListsThem() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("a").exitCode == 0)
            let refused = try tiny.resume(
                "a", ["--set", "optimizer.clip=1", "--seed", "5", "--set", "run.logEvery=5", "--batch", "2"])
            #expect(refused.exitCode == 64, "\(refused)")
            #expect(refused.errors.contains("optimizer.clip: 3 in the run, 1 now"))
            #expect(refused.errors.contains("seed: 0 in the run, 5 now"))
            #expect(refused.errors.contains("schedule.batchSize: 4 in the run, 2 now"))
            #expect(!refused.errors.contains("run.logEvery: "))

            let copy = folder.file("moved")
            try FileManager.default.copyItem(atPath: tiny.images, toPath: copy)
            let allowed = try tiny.resume("a", ["--data", copy, "--set", "run.logEvery=5", "--set", "data.workers=1"])
            #expect(allowed.exitCode == 0, "\(allowed)")
            #expect(try tiny.text("a/settings.yaml").contains("folder: \(copy)"))

            try FileManager.default.removeItem(atPath: copy + "/part 0/4.bmp")
            let changed = try tiny.resume("a")
            #expect(changed.exitCode == 1)
            #expect(changed.errors.contains("there were 10 and are 9 now"), "\(changed)")
        }
    }

    @Test func twoProcessesNeverShareARun() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let running = try tiny.start("a", ["schedule.length=1000000 steps"])
            #expect(running.wait { tiny.steps("a") >= 1 })
            let second = try tiny.resume("a")
            #expect(second.exitCode == 1 && second.errors.contains("Another process is working in"), "\(second)")
            running.send(SIGTERM)
            #expect(running.wait().exitCode == 143)
        }
    }
}
