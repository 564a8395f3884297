import Foundation

/// Places beside this source file, whatever the working folder of the test run is.
package enum PackageFolder {
    /// The checkout: the folder that holds `Package.swift`.
    package static let path: String = {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder.path
    }()

    /// A path inside the checkout.
    package static func path(_ relative: String) -> String {
        path + "/" + relative
    }
}

/// A variable of the environment; nil where it is unset or empty.
package func environment(_ name: String) -> String? {
    guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
    return value
}
