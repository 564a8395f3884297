import ArgumentParser
import Foundation
import SelfPatchTensors

/// `selfpatch doctor`: what this machine offers, and what to do about anything that is missing.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this machine offers, and what to do about anything that is missing.",
        discussion: """
            Names libtorch and where it was found, the processor and how fast it multiplies in each precision, GPUs, memory \
            and disks. Times a few products, so it takes a second or two.

            EXAMPLES:
              selfpatch doctor
              selfpatch doctor --json
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        Libtorch.initialize()
        let findings = MachineFindings.gather()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        } else {
            print(findings.text)
        }
    }
}
