import CSelfPatchTorch
import SelfPatchFormats

/// What the elements of a tensor are.
public enum ElementType: Sendable, Hashable {
    case uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, bool

    /// Bytes an element takes.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    var native: sp_type {
        switch self {
        case .uint8: SP_UINT8
        case .int8: SP_INT8
        case .int16: SP_INT16
        case .int32: SP_INT32
        case .int64: SP_INT64
        case .float16: SP_FLOAT16
        case .bfloat16: SP_BFLOAT16
        case .float32: SP_FLOAT32
        case .float64: SP_FLOAT64
        case .bool: SP_BOOL
        }
    }

    init(native: sp_type) {
        switch native {
        case SP_UINT8: self = .uint8
        case SP_INT8: self = .int8
        case SP_INT16: self = .int16
        case SP_INT32: self = .int32
        case SP_INT64: self = .int64
        case SP_FLOAT16: self = .float16
        case SP_BFLOAT16: self = .bfloat16
        case SP_FLOAT32: self = .float32
        case SP_FLOAT64: self = .float64
        case SP_BOOL: self = .bool
        default: preconditionFailure("a tensor of an element type that this program never makes: \(native.rawValue)")
        }
    }
}

extension SafetensorsFile.ElementType {
    /// The tensors' name for the file's type.
    public var inMemory: ElementType {
        switch self {
        case .f64: .float64
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        case .i64: .int64
        case .i32: .int32
        case .i16: .int16
        case .i8: .int8
        case .u8: .uint8
        case .bool: .bool
        }
    }

    /// The file's name for a tensor's type.
    public init(_ type: ElementType) {
        switch type {
        case .float64: self = .f64
        case .float32: self = .f32
        case .float16: self = .f16
        case .bfloat16: self = .bf16
        case .int64: self = .i64
        case .int32: self = .i32
        case .int16: self = .i16
        case .int8: self = .i8
        case .uint8: self = .u8
        case .bool: self = .bool
        }
    }
}
