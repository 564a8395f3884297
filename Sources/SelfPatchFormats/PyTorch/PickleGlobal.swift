/// The functions and classes of Python that a checkpoint may name. Each stands for something that this program does by
/// itself; nothing is ever imported or called, and every other name is refused.
enum PickleGlobal: Equatable {
    /// Makes a tensor from a storage, an offset, sizes and strides; the flag is true for PyTorch's oldest form of it.
    case rebuildTensor(isOldest: Bool)
    /// Makes a parameter from a tensor.
    case rebuildParameter
    /// The type of a storage.
    case storage(SafetensorsFile.ElementType)
    case orderedDictionary
    case set
    case namespace
    case numpyScalar
    case numpyType
    /// Protocol 2 has no bytes: they are written as text and the order to encode it.
    case encode
    case size
    /// A class whose arguments are kept and mean nothing.
    case inert(String)
    /// An object that is named rather than made: an element type, a memory layout.
    case constant(String)

    init?(module: String, name: String) {
        guard let known = Self.table[module]?[name] else { return nil }
        self = known
    }

    private static let table: [String: [String: PickleGlobal]] = [
        "torch._utils": [
            "_rebuild_tensor": .rebuildTensor(isOldest: true),
            "_rebuild_tensor_v2": .rebuildTensor(isOldest: false),
            "_rebuild_parameter": .rebuildParameter,
        ],
        "torch": storages.merging(constants) { storage, _ in storage }.merging(
            ["Size": .size, "device": .inert("torch.device")]
        ) { known, _ in known },
        "collections": ["OrderedDict": .orderedDictionary],
        "argparse": ["Namespace": .namespace],
        "numpy.core.multiarray": ["scalar": .numpyScalar],
        "numpy._core.multiarray": ["scalar": .numpyScalar],
        "numpy": ["dtype": .numpyType],
        "_codecs": ["encode": .encode],
        "__builtin__": ["set": .set, "frozenset": .set],
        "builtins": ["set": .set, "frozenset": .set],
        "pathlib": ["PosixPath": .inert("pathlib.PosixPath"), "WindowsPath": .inert("pathlib.WindowsPath")],
    ]

    private static let storages: [String: PickleGlobal] = [
        "DoubleStorage": .storage(.f64), "FloatStorage": .storage(.f32), "HalfStorage": .storage(.f16),
        "BFloat16Storage": .storage(.bf16), "LongStorage": .storage(.i64), "IntStorage": .storage(.i32),
        "ShortStorage": .storage(.i16), "CharStorage": .storage(.i8), "ByteStorage": .storage(.u8),
        "BoolStorage": .storage(.bool),
    ]

    private static let constants: [String: PickleGlobal] = Dictionary(
        uniqueKeysWithValues: [
            "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "strided",
        ].map { ($0, .constant("torch.\($0)")) })
}
