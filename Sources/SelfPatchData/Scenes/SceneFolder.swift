import Dispatch
import Foundation
import SelfPatchFormats

/// Drawn scenes as a folder of PNG files, one folder a kind, and their masks beside them:
///
///     ROOT/train/striped-disc/000000.png     ROOT/val/...
///     ROOT/masks/train/striped-disc/000000.png
///
/// Whatever takes a folder of images can take it: pretraining, k-NN, the check of data.
package struct SceneFolder: Sendable {
    /// A part of the folder, and which scenes are in it.
    package struct Part: Sendable {
        package let name: String
        package let scenes: Range<Int>

        package init(_ name: String, _ scenes: Range<Int>) {
            self.name = name
            self.scenes = scenes
        }
    }

    package let root: String
    package let generator: SceneGenerator

    package init(root: String, generator: SceneGenerator) {
        self.root = root
        self.generator = generator
    }

    /// The folder of a part's images.
    package func images(of part: Part) -> String { "\(root)/\(part.name)" }

    /// The folder of a part's masks.
    package func masks(of part: Part) -> String { "\(root)/masks/\(part.name)" }

    /// Draws and writes every scene of a part, on all cores. Files that are there already are written anew.
    ///
    /// - Parameters:
    ///   - part: the training or the validation part.
    ///   - withMasks: whether their masks are written, too.
    package func write(_ part: Part, withMasks: Bool = true) throws {
        for kind in ThingKind.allCases {
            try makeFolder("\(images(of: part))/\(kind.name)")
            if withMasks { try makeFolder("\(masks(of: part))/\(kind.name)") }
        }
        let failure = FirstError()
        let lanes = ProcessInfo.processInfo.activeProcessorCount
        DispatchQueue.concurrentPerform(iterations: lanes) { lane in
            for index in stride(from: part.scenes.lowerBound + lane, to: part.scenes.upperBound, by: lanes) {
                if failure.error != nil { return }
                do { try write(index, of: part, withMask: withMasks) } catch { failure.error = error }
            }
        }
        if let error = failure.error { throw error }
    }

    private func write(_ index: Int, of part: Part, withMask: Bool) throws {
        let scene = generator.scene(index)
        let digits = String(index)
        let name = "\(scene.kind.name)/\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).png"
        try save(scene.pixels, to: "\(images(of: part))/\(name)")
        if withMask { try save(scene.maskPixels, to: "\(masks(of: part))/\(name)") }
    }

    /// Without the ceremony of `AtomicFile`: thousands of small files that can be drawn again.
    private func save(_ pixels: Pixels, to path: String) throws {
        let data = try PNGFile.encoded(pixels)
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw UserError("Cannot write \(path): \(error.localizedDescription)")
        }
    }

    private func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw UserError("Cannot make the folder \(path): \(error.localizedDescription)")
        }
    }
}

/// The first error of several threads.
private final class FirstError: @unchecked Sendable {
    private let lock = NSLock()
    private var first: (any Error)?

    var error: (any Error)? {
        get { lock.withLock { first } }
        set { lock.withLock { first = first ?? newValue } }
    }
}
