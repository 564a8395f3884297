// swift-tools-version: 6.1
import PackageDescription

// Another package that uses selfpatch as a library. By address it would say
// .package(url: "https://.../selfpatch", from: "...") instead of the path.
let package = Package(
    name: "PatchFeatures",
    platforms: [.macOS(.v14)],
    dependencies: [.package(name: "selfpatch", path: "../..")],
    targets: [
        .executableTarget(name: "PatchFeatures", dependencies: [.product(name: "SelfPatch", package: "selfpatch")])
    ]
)
