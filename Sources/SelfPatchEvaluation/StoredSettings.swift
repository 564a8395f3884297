import SelfPatchFormats

/// Settings that a trained head keeps in the metadata of its file.
package protocol StoredSettings: Codable {
    init()
}

extension SegmentationSettings: StoredSettings {}
extension DetectionSettings: StoredSettings {}

extension StoredSettings {
    /// Those of a file: what it does not name, because it was written before that could be set, has its default.
    ///
    /// - Throws: `UserError` that names the file, and what in it cannot be read.
    package static func stored(in file: SafetensorsFile) throws -> Self {
        guard let text = file.metadata["settings"] else {
            throw UserError("Cannot use \(file.path): it does not describe its head (its metadata lack 'settings').")
        }
        var tree = try SettingsTree(encoding: Self())
        // JSON is YAML.
        try tree.overlay(yaml: text, source: "the settings in \(file.path)")
        return try tree.decode(Self.self)
    }
}
