// swift-tools-version: 6.1
import PackageDescription

// The rings, from the inside out. Nobody imports outward; `scripts/check-rings` holds the imports against this list.
let package = Package(
    name: "selfpatch",
    platforms: [.macOS(.v14)],
    products: [
        .executable(name: "selfpatch", targets: ["SelfPatchCommand"]),
        .library(name: "FakeCUDA", type: .dynamic, targets: ["FakeCUDA"]),
        .library(
            name: "SelfPatch",
            targets: ["SelfPatchFormats", "SelfPatchTensors", "SelfPatchLayers", "SelfPatchModel", "SelfPatchData"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibtorch", pkgConfig: "selfpatch-libtorch"),
        // `kernels` is text that the shim holds and hands to the GPU's compiler at run time.
        .target(name: "CSelfPatchTorch", dependencies: ["CLibtorch"], exclude: ["kernels"]),
        .target(
            name: "CSelfPatchPixels",
            linkerSettings: [
                // Static, so that the program needs no image library where it runs. The order matters.
                ":libturbojpeg.a", ":libwebpdemux.a", ":libtiff.a", ":libwebp.a", ":libpng16.a", ":libgif.a",
                ":libjpeg.a", ":libjbig.a", ":liblzma.a", ":libzstd.a", ":libdeflate.a", ":libLerc.a", ":libz.a",
            ].map { .linkedLibrary($0, .when(platforms: [.linux])) }),
        .target(
            name: "SelfPatchFormats",
            dependencies: ["Yams", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["ONNX/Schema/onnx-subset.proto"]),
        .target(name: "SelfPatchTensors", dependencies: ["CSelfPatchTorch", "SelfPatchFormats"]),
        .target(name: "SelfPatchLayers", dependencies: ["SelfPatchTensors"]),
        .target(name: "SelfPatchModel", dependencies: ["SelfPatchLayers", "SelfPatchTensors", "SelfPatchFormats"]),
        .target(name: "SelfPatchData", dependencies: ["CSelfPatchPixels", "SelfPatchTensors", "SelfPatchFormats"]),
        .target(
            name: "SelfPatchTraining",
            dependencies: [
                "SelfPatchData", "SelfPatchModel", "SelfPatchLayers", "SelfPatchTensors", "SelfPatchFormats",
            ]),
        .target(
            name: "SelfPatchEvaluation",
            dependencies: [
                "SelfPatchTraining", "SelfPatchData", "SelfPatchModel", "SelfPatchLayers", "SelfPatchTensors",
                "SelfPatchFormats",
            ]),
        .executableTarget(
            name: "SelfPatchCommand",
            dependencies: [
                "SelfPatchEvaluation", "SelfPatchTraining", "SelfPatchData", "SelfPatchModel", "SelfPatchTensors",
                "SelfPatchFormats", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // A GPU that is none, loaded by the program in the place of libtorch's CUDA library: see Tests/FakeCUDA.
        .target(name: "FakeCUDA", dependencies: ["CLibtorch"], path: "Tests/FakeCUDA"),
        .target(name: "TestSupport", dependencies: ["SelfPatchFormats"], path: "Tests/TestSupport"),
        .testTarget(name: "FormatsTests", dependencies: ["SelfPatchFormats", "TestSupport"]),
        .testTarget(name: "TensorsTests", dependencies: ["SelfPatchTensors", "SelfPatchFormats", "TestSupport"]),
        .testTarget(
            name: "ModelTests",
            dependencies: [
                "SelfPatchModel", "SelfPatchLayers", "SelfPatchTensors", "SelfPatchFormats", "TestSupport",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        .testTarget(
            name: "DataTests",
            dependencies: ["SelfPatchData", "CSelfPatchPixels", "SelfPatchTensors", "SelfPatchFormats", "TestSupport"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "SelfPatchTraining", "SelfPatchData", "SelfPatchModel", "SelfPatchLayers", "SelfPatchTensors",
                "SelfPatchFormats", "TestSupport",
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "SelfPatchEvaluation", "SelfPatchTraining", "SelfPatchData", "SelfPatchModel", "SelfPatchLayers",
                "SelfPatchTensors", "SelfPatchFormats", "TestSupport",
            ]),
        .testTarget(
            name: "GoldenTests",
            dependencies: [
                "SelfPatchEvaluation", "SelfPatchTraining", "SelfPatchData", "SelfPatchModel", "SelfPatchLayers",
                "SelfPatchTensors", "SelfPatchFormats", "CSelfPatchPixels", "TestSupport",
            ]),
        .testTarget(
            name: "CommandTests",
            dependencies: ["SelfPatchData", "SelfPatchFormats", "SelfPatchTensors", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
