import Foundation
import SelfPatchFormats
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct SchedulesTests {
    /// What `case.json` of a golden step says about schedules.
    struct Case: Decodable {
        struct Optimizer: Decodable {
            let baseLearningRate, learningRateReferenceBatch, minimumLearningRate: Double
            let warmupEpochs, freezeLastLayerEpochs, epochs: Double
            let stepsPerEpoch, batch: Int
            let weightDecay, weightDecayEnd, teacherMomentum: Double
        }
        struct Objective: Decodable {
            let warmupTeacherTemperature, teacherTemperature: Double
            let warmupTeacherTemperatureEpochs: Int
        }
        struct Values: Decodable {
            let learningRate, weightDecay, teacherMomentum, teacherTemperature: [Double]
        }
        let optimizer: Optimizer
        let objective: Objective
        let schedules: Values
    }

    @Test(.requires(Goldens.of(.step)), arguments: Goldens.folders(.step))
    func schedulesAreTheReferences(folder: Goldens.Folder) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let golden = try decoder.decode(
            Case.self, from: Data(contentsOf: URL(fileURLWithPath: folder.file("case.json"))))
        var schedule = ScheduleSettings()
        schedule.length = .epochs(golden.optimizer.epochs)
        schedule.batchSize = golden.optimizer.batch
        var optimizer = OptimizerSettings()
        optimizer.learningRate = golden.optimizer.baseLearningRate
        optimizer.learningRateBatch = Int(golden.optimizer.learningRateReferenceBatch)
        optimizer.learningRateEnd = golden.optimizer.minimumLearningRate
        optimizer.warmup = .epochs(golden.optimizer.warmupEpochs)
        optimizer.freezeLastLayer = .epochs(golden.optimizer.freezeLastLayerEpochs)
        optimizer.weightDecay = golden.optimizer.weightDecay
        optimizer.weightDecayEnd = golden.optimizer.weightDecayEnd
        var teacher = TeacherSettings()
        teacher.momentum = golden.optimizer.teacherMomentum
        teacher.temperature = golden.objective.teacherTemperature
        teacher.temperatureStart = golden.objective.warmupTeacherTemperature
        teacher.temperatureWarmupEpochs = golden.objective.warmupTeacherTemperatureEpochs
        let schedules = try Schedules(schedule, optimizer, teacher, stepsPerEpoch: golden.optimizer.stepsPerEpoch)

        let expected = golden.schedules
        #expect(schedules.stepCount == expected.learningRate.count)
        for step in expected.learningRate.indices {
            let rates = schedules[step]
            #expect(isClose(rates.learningRate, expected.learningRate[step]))
            #expect(isClose(rates.weightDecay, expected.weightDecay[step]))
            #expect(isClose(rates.teacherMomentum, expected.teacherMomentum[step]))
            let perEpoch = expected.teacherTemperature.count < expected.learningRate.count
            let temperature = expected.teacherTemperature[perEpoch ? schedules.epoch(of: step) : step]
            #expect(isClose(rates.imageTemperature, temperature))
            #expect(isClose(rates.patchTemperature, temperature))
            #expect(
                rates.lastLayerIsFrozen
                    == (Double(schedules.epoch(of: step)) < golden.optimizer.freezeLastLayerEpochs))
        }
    }

    private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * abs(b) }

    @Test func thePeakComesTwiceAndTheFirstStepOfAWarmupHasRateZero() throws {
        var schedule = ScheduleSettings()
        schedule.length = .epochs(3)
        schedule.batchSize = 512
        var optimizer = OptimizerSettings()
        optimizer.warmup = .epochs(1)
        let schedules = try Schedules(schedule, optimizer, TeacherSettings(), stepsPerEpoch: 10)
        #expect(schedules[0].learningRate == 0)
        #expect(schedules[9].learningRate == 0.001)
        #expect(schedules[10].learningRate == 0.001)
        #expect(schedules[11].learningRate < 0.001)
        #expect(schedules[29].learningRate > 1e-6)
        #expect(schedules[9].lastLayerIsFrozen && !schedules[10].lastLayerIsFrozen)

        optimizer.warmup = .steps(1)
        optimizer.learningRateBatch = 0
        let short = try Schedules(schedule, optimizer, TeacherSettings(), stepsPerEpoch: 10)
        #expect(short[0].learningRate == 0)
        #expect(short[1].learningRate == 0.0005)
    }

    @Test func patchTargetsMayHaveATemperatureOfTheirOwn() throws {
        var schedule = ScheduleSettings()
        schedule.length = .epochs(20)
        var teacher = TeacherSettings()
        teacher.temperatureStart = 0.02
        teacher.temperatureWarmupEpochs = 3
        func rates(_ epoch: Int) throws -> Rates {
            try Schedules(schedule, OptimizerSettings(), teacher, stepsPerEpoch: 1)[epoch]
        }
        #expect(try rates(0).patchTemperature == 0.02)
        #expect(try abs(rates(1).patchTemperature - 0.03) < 1e-15)
        #expect(try rates(3).patchTemperature == 0.04)
        teacher.patchTemperature = 0.07
        #expect(try rates(0).patchTemperature == 0.07)
        #expect(try rates(0).imageTemperature == 0.02)
        teacher.patchTemperatureStart = 0.05
        #expect(try abs(rates(1).patchTemperature - 0.06) < 1e-15)
    }

    @Test func aWarmupLongerThanTheRunIsRefused() throws {
        var schedule = ScheduleSettings()
        schedule.length = .epochs(5)
        let error = #expect(throws: UserError.self) {
            try Schedules(schedule, OptimizerSettings(), TeacherSettings(), stepsPerEpoch: 100)
        }
        #expect(error?.kind == .usage)
        #expect(
            error?.message.hasPrefix(
                "optimizer.warmup is 10 epochs, that is 1000 steps, longer than the run of 500 steps (5 epochs, 100 steps an "
                    + "epoch).") == true)
    }

    @Test(
        arguments: [
            ("10 epochs", Span.epochs(10)), ("1 epoch", .epochs(1)), ("0.5epochs", .epochs(0.5)),
            ("500 steps", .steps(500)),
            ("1_000 steps", .steps(1000)), ("10 %", .percent(10)), ("2.5%", .percent(2.5)), ("1e3 steps", .steps(1000)),
            ("10", nil), ("epochs", nil), ("-1 epochs", nil), ("1 day", nil), ("", nil), ("1 e", nil),
            ("nan epochs", nil),
        ] as [(String, Span?)])
    func spansAreReadWithTheirUnit(text: String, span: Span?) {
        #expect(Span(text) == span)
        if let span { #expect(Span(span.description) == span) }
    }

    @Test func spansBecomeWholeSteps() {
        #expect(Span.epochs(2.4).steps(stepsPerEpoch: 125, runLength: 3000) == 300)
        #expect(Span.percent(2).steps(stepsPerEpoch: 125, runLength: 7500) == 150)
        #expect(Span.steps(7).steps(stepsPerEpoch: 125, runLength: 7500) == 7)
        #expect(Span.epochs(9e11).steps(stepsPerEpoch: 1_000_000_000, runLength: 1) == 1_000_000_000_000)
    }

    /// What is small comes often; only 0 is never.
    @Test func aSmallIntervalIsOneStep() {
        #expect(Span.epochs(0.1).interval(stepsPerEpoch: 3, runLength: 30) == 1)
        #expect(Span.percent(1).interval(stepsPerEpoch: 3, runLength: 30) == 1)
        #expect(Span.epochs(2).interval(stepsPerEpoch: 3, runLength: 30) == 6)
        #expect(Span.epochs(0).interval(stepsPerEpoch: 3, runLength: 30) == 0)
    }
}
