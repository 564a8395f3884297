import ArgumentParser

/// The program: `selfpatch <command>`.
@main
struct SelfPatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selfpatch",
        abstract: "Pretrain Vision Transformers on your own images so that patches mean something.")
}
