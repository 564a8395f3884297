import CSelfPatchTorch

extension Tensor {
    /// Whether operations on it are recorded for `backward`.
    package var requiresGradient: Bool {
        get { Self.calling([self]) { sp_requires_gradient($0[0]) } }
        set { Self.calling([self]) { sp_set_requires_gradient($0[0], newValue) } }
    }

    /// What `backward` has added up so far; set nil to start anew (absent, not zero).
    package var gradient: Tensor? {
        get {
            var result: OpaquePointer?
            Self.perform("gradient", [self]) { sp_gradient($0[0], &result) }
            return Self.owningOptional(result)
        }
        set { Self.perform("set gradient", [self, newValue]) { sp_set_gradient($0[0], $0[1]) } }
    }

    /// Adds the gradients of this single number to every tensor that it was computed from and that asks for them.
    package func backward() { Self.perform("backward", [self]) { sp_backward($0.baseAddress, nil, 1) } }

    /// The same from several tensors at once, each with the gradient that arrives at it.
    package static func backward(_ roots: [(tensor: Tensor, gradient: Tensor)]) {
        let tensors = roots.map(\.tensor)
        let gradients = roots.map(\.gradient)
        perform("backward", tensors) { handles in
            calling(gradients) { sp_backward(handles.baseAddress, $0.baseAddress, handles.count) }
        }
    }

    /// A number whose gradients with respect to some tensors were computed together with it: its backward hands each of
    /// them `upstream * gradient`. So a loss can be streamed in pieces and leave behind no more than its gradients.
    package func withGradients(_ gradients: [(of: Tensor, is: Tensor)]) -> Tensor {
        for pair in gradients {
            precondition(
                pair.of.shape == pair.is.shape, "a gradient of \(pair.is.shape) for a tensor of \(pair.of.shape)")
        }
        let inputs = gradients.map(\.of)
        let values = gradients.map(\.is)
        return Self.make("with gradients", self) { value, out in
            Self.calling(inputs) { inputs in
                Self.calling(values) {
                    sp_with_gradients(value[0], inputs.baseAddress, $0.baseAddress, inputs.count, out)
                }
            }
        }
    }
}

extension Tensor {
    /// `computation(self)`, of which nothing is kept for the backward but `self`: there it is computed again. Costs a forward pass and
    /// saves all tensors in between (activation checkpointing).
    ///
    /// - Parameter computation: gives the same numbers each time. Where `self` asks for no gradient it runs as if alone.
    package func recomputed(_ computation: @escaping (Tensor) -> Tensor) -> Tensor {
        guard requiresGradient else { return computation(self) }
        let context = Unmanaged.passRetained(Computation(computation)).toOpaque()
        return Self.make("recomputed", self) { handles, out in
            sp_recomputed(
                handles[0],
                { context, input in
                    guard let context else { preconditionFailure("a computation without its context") }
                    let body = Unmanaged<Computation>.fromOpaque(context).takeUnretainedValue().body
                    return body(Tensor.owning(input, "input")).shared()
                }, context,
                { context in
                    if let context { Unmanaged<Computation>.fromOpaque(context).release() }
                }, out)
        }
    }

    private final class Computation {
        let body: (Tensor) -> Tensor
        init(_ body: @escaping (Tensor) -> Tensor) { self.body = body }
    }
}

/// Runs `body` without recording operations for `backward`, on this thread.
package func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let former = sp_set_gradient_mode(false)
    defer { _ = sp_set_gradient_mode(former) }
    return try body()
}

/// The types that products are computed in.
public enum Precision: String, Codable, CaseIterable, Sendable {
    case float32, bf16
    /// For taking features alone: small gradients are 0 in it.
    case float16

    /// Runs `body` with products, attention and convolutions in this precision, on this thread. Softmaxes, norms and sums of
    /// losses must be lifted to float32 by whoever calls them: a CPU's autocast leaves them as they come.
    package func run<Result>(on device: Device, _ body: () throws -> Result) rethrows -> Result {
        guard self != .float32 else { return try body() }
        let type = self == .bf16 ? SP_BFLOAT16 : SP_FLOAT16
        let former = sp_set_autocast(device.native.kind, true, type)
        defer { _ = sp_set_autocast(device.native.kind, former, type) }
        return try body()
    }
}
