import SelfPatchLayers
import SelfPatchTensors

/// Several linear classifiers of the same features, each trained with a learning rate of its own by SGD with momentum.
///
/// They share nothing but the batches: the numbers are those of training each by itself, for the price of one pass over the
/// data. Logits are x W^T + b, the loss is the mean cross-entropy, no weight decays.
///
/// Source: `LinearClassifier` in DINO's eval_linear.py, first weights included (normal, deviation 0.01; biases 0); PyTorch's SGD:
/// v = m v + g, w = w - rate v.
public final class LinearClassifiers {
    public let rateCount: Int
    public let classCount: Int
    /// `[rates * classes, features]`
    public let weight: Tensor
    /// `[rates * classes]`
    public let bias: Tensor
    private let weightVelocity: Tensor
    private let biasVelocity: Tensor
    private let momentum: Double

    /// - Parameter width: numbers that stand for an image.
    public init(
        width: Int, classCount: Int, rateCount: Int, momentum: Double = 0.9, seed: UInt64, device: Device
    ) {
        self.rateCount = rateCount
        self.classCount = classCount
        self.momentum = momentum
        let initializer = Initializer(seed: seed, device: device)
        // All begin with the same weights, so that the rate is all that differs.
        let first = initializer.normal([classCount, width], deviation: 0.01)
        weight = Tensor.concatenated(Array(repeating: first, count: rateCount)).clone()
        bias = initializer.zeros([rateCount * classCount])
        weightVelocity = initializer.zeros(weight.shape)
        biasVelocity = initializer.zeros(bias.shape)
    }

    /// `[images, rates, classes]` of features `[images, width]`.
    public func logits(_ features: Tensor) -> Tensor {
        withoutGradients { features.linear(weight, bias) }.reshaped([features.size(0), rateCount, classCount])
    }

    /// One step of each classifier.
    ///
    /// - Parameters:
    ///   - features: `[images, width]`.
    ///   - labels: `[images]`, int64, on the features' device.
    ///   - rates: the learning rate of each classifier.
    /// - Returns: the loss of each before the step, `[rates]`.
    public func step(_ features: Tensor, _ labels: Tensor, rates: [Double]) -> Tensor {
        precondition(rates.count == rateCount, "\(rates.count) rates for \(rateCount) classifiers")
        let images = features.size(0)
        return withoutGradients {
            let logLikelihood = logits(features).logSoftmax()
            let places = labels.reshaped([images, 1, 1]).expanded([images, rateCount, 1])
            let loss = -logLikelihood.gathered(places, dimension: 2).squeezed(2).mean(0)
            // The gradient with respect to the logits: (softmax - one-hot) / images.
            let target = Tensor.zeros(logLikelihood.shape, device: features.device)
                .scattering(1, at: places, dimension: 2)
            let gradient = ((logLikelihood.exp() - target) / Double(images))
                .reshaped([images, rateCount * classCount])
            let factors = Tensor.from(
                rates.flatMap { [Float](repeating: Float($0), count: classCount) }, shape: [rateCount * classCount]
            )
            .moved(to: features.device, waiting: false)
            weightVelocity.multiply(by: momentum)
            weightVelocity.add(gradient.transposed().matmul(features))
            biasVelocity.multiply(by: momentum)
            biasVelocity.add(gradient.sum(0))
            weight.add(weightVelocity * factors.unsqueezed(1), scale: -1)
            bias.add(biasVelocity * factors, scale: -1)
            return loss
        }
    }

    /// Everything that a checkpoint must hold.
    public var state: [NamedTensor] {
        [
            NamedTensor("weight", weight), NamedTensor("bias", bias),
            NamedTensor("velocity.weight", weightVelocity), NamedTensor("velocity.bias", biasVelocity),
        ]
    }
}
