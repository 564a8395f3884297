import CSelfPatchTorch

extension Tensor {
    /// The only element, waiting for the device where it lives on one.
    public func item() -> Double {
        var value = 0.0
        Self.perform("item", [self]) { sp_item($0[0], &value) }
        return value
    }

    /// All elements in row-major order, cast to float32.
    public func floats() -> [Float] { elements(as: Float.self, .float32) }
    public func doubles() -> [Double] { elements(as: Double.self, .float64) }
    public func integers() -> [Int] { elements(as: Int64.self, .int64).map(Int.init) }
    public func bytes() -> [UInt8] { elements(as: UInt8.self, .uint8) }
    public func booleans() -> [Bool] { elements(as: UInt8.self, .uint8).map { $0 != 0 } }

    /// The bytes of all elements in row-major order; a copy is made only where they are not in one piece on the CPU.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let here = detached().moved(to: .cpu).contiguous()
        var start: UnsafeMutableRawPointer?
        Self.perform("bytes", [here]) { sp_data($0[0], &start) }
        return try withExtendedLifetime(here) {
            try body(UnsafeRawBufferPointer(start: start, count: here.count * here.elementType.byteCount))
        }
    }

    private func elements<Element>(as: Element.Type, _ type: ElementType) -> [Element] {
        cast(to: type).withBytes { Array($0.bindMemory(to: Element.self)) }
    }

    // MARK: The same numbers elsewhere or otherwise

    /// Itself where the type is already right.
    public func cast(to type: ElementType) -> Tensor {
        elementType == type ? self : Self.make("cast", self) { sp_cast($0[0], type.native, $1) }
    }
    /// Itself where it already lives there. A copy from the CPU to CUDA joins what the GPU has to do, and nothing waits for it.
    public func moved(to device: Device) -> Tensor {
        self.device == device ? self : Self.make("move", self) { sp_move($0[0], device.native, $1) }
    }
    package func contiguous() -> Tensor {
        isContiguous ? self : Self.make("contiguous", self) { sp_contiguous($0[0], $1) }
    }
    /// A copy in memory of its own.
    package func clone() -> Tensor { Self.make("clone", self) { sp_clone($0[0], $1) } }
    /// The same memory, outside the graph.
    package func detached() -> Tensor { Self.make("detach", self) { sp_detach($0[0], $1) } }
    /// Overwrites its elements, outside the graph; type and device may differ, shapes may not.
    package func copy(from source: Tensor) {
        Self.perform("copy into", [self, source]) { sp_copy_into($0[0], $0[1]) }
    }
    package func fill(with value: Double) { Self.perform("fill", [self]) { sp_fill_into($0[0], value) } }
}
