import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchTraining

struct Settings: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the settings of a pretraining run with their meaning, or the presets.",
        discussion: """
            What is printed is a file for --config: keep the lines that should differ.

            EXAMPLES
              selfpatch settings
              selfpatch settings --preset nano-photos > mine.yaml
              selfpatch settings --presets
            """)

    @Option(help: ArgumentHelp("Print this preset's settings instead of the paper's.", valueName: "name"))
    var preset: String?

    @Flag(help: "Print what presets there are: what each trains, the command, time and memory to expect.")
    var presets = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        if presets {
            print(
                json
                    ? try Self.json(Preset.all.map(PresetJSON.init))
                    : Preset.all.map(Self.text).joined(separator: "\n\n"))
            return
        }
        let settings = try preset.map { try Preset.named($0).settings } ?? PretrainSettings()
        if json {
            print(try Self.json(settings))
        } else {
            if let preset {
                print(
                    Self.text(try Preset.named(preset)).split(separator: "\n").map { "# \($0)" }.joined(separator: "\n")
                        + "\n")
            }
            print(try SettingsTree(encoding: settings).yaml { SettingsDescriptions[$0] }, terminator: "")
        }
    }

    private struct PresetJSON: Encodable {
        let name, trains, command, time, memory: String

        init(_ preset: Preset) {
            name = preset.name
            trains = preset.trains
            command = preset.command
            time = preset.time
            memory = preset.memory
        }
    }

    private static func text(_ preset: Preset) -> String {
        """
        \(preset.name)
          trains:  \(preset.trains)
          command: \(preset.command)
          time:    \(preset.time)
          memory:  \(preset.memory)
        """
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
