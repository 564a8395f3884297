import Foundation

/// Small cuts of public data sets that some tests use and that are not part of the repository.
///
/// They are looked for in the folder `SELFPATCH_SHARED`, or else in `shared` beside the checkout.
package enum SharedData {
    /// The folder that holds `data` and `golden`.
    package static let root: String = {
        environment("SELFPATCH_SHARED") ?? PackageFolder.path("../shared")
    }()

    /// `train` and `val` with ten classes of photographs, 160 x 160, 400 and 100 a class.
    package static var imagenette: Material { data("imagenette") }
    /// Images of every format and every kind of damage, with a `manifest.json`.
    package static var oddFiles: Material { data("oddfiles") }
    /// 58 photographs of some 500 x 375 pixels.
    package static var photos: Material { data("photos") }
    /// Street scenes with label maps of 11 classes.
    package static var camvid: Material { data("camvid") }
    /// Four video sequences with masks.
    package static var davis: Material { data("davis") }
    /// Images with boxes and masks.
    package static var detection: Material { data("detection") }

    /// A folder below `data`.
    package static func data(_ name: String) -> Material {
        let path = URL(fileURLWithPath: root + "/data/" + name).standardized.path
        guard FileManager.default.fileExists(atPath: path) else {
            return .absent(
                "The data set '\(name)' is not at \(path); it is not part of the repository. "
                    + "SELFPATCH_SHARED=DIR names the folder that holds data/\(name).")
        }
        return .present(path)
    }
}
