import SelfPatchLayers
import SelfPatchTensors

/// Several linear classifiers of the same features, each trained with a learning rate of its own by SGD with momentum.
///
/// They share nothing but the batches: the numbers are those of training each by itself, for the price of one pass over the
/// data. Logits are x W^T + b, the loss is the mean cross-entropy, no weight decays.
///
/// Source: `LinearClassifier` in DINO's eval_linear.py, first weights included (normal, deviation 0.01; biases 0); PyTorch's SGD:
/// v = m v + g, w = w - rate v.
package final class LinearClassifiers {
    package let rateCount: Int
    package let classCount: Int
    /// `[rates * classes, features]`
    package let weight: Tensor
    /// `[rates * classes]`
    package let bias: Tensor
    private let weightVelocity: Tensor
    private let biasVelocity: Tensor
    private let momentum: Double

    /// - Parameter width: numbers that stand for an image.
    package init(
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
    package func logits(_ features: Tensor) -> Tensor {
        withoutGradients { features.linear(weight, bias) }.reshaped(to: [features.size(0), rateCount, classCount])
    }

    /// One step of each classifier.
    ///
    /// - Parameters:
    ///   - features: `[images, width]`.
    ///   - labels: `[images]`, int64, on the features' device.
    ///   - rates: the learning rate of each classifier.
    /// - Returns: the loss of each before the step, `[rates]`.
    package func step(_ features: Tensor, _ labels: Tensor, rates: [Double]) -> Tensor {
        precondition(rates.count == rateCount, "\(rates.count) rates for \(rateCount) classifiers")
        let images = features.size(0)
        return withoutGradients {
            let logLikelihood = logits(features).logSoftmax()
            let places = labels.reshaped(to: [images, 1, 1]).expanded(to: [images, rateCount, 1])
            let loss = -logLikelihood.gathered(places, dimension: 2).squeezed(at: 2).mean(over: 0)
            // The gradient with respect to the logits: (softmax - one-hot) / images.
            let target = Tensor.zeros(logLikelihood.shape, device: features.device)
                .scattering(1, at: places, dimension: 2)
            let gradient = ((logLikelihood.exp() - target) / Double(images))
                .reshaped(to: [images, rateCount * classCount])
            let factors = Tensor(
                rates.flatMap { [Float](repeating: Float($0), count: classCount) }, shape: [rateCount * classCount]
            )
            .moved(to: features.device)
            weightVelocity.multiply(by: momentum)
            weightVelocity.add(gradient.transposed().matmul(features))
            biasVelocity.multiply(by: momentum)
            biasVelocity.add(gradient.sum(over: 0))
            weight.add(weightVelocity * factors.unsqueezed(at: 1), scale: -1)
            bias.add(biasVelocity * factors, scale: -1)
            return loss
        }
    }

    /// Everything that a checkpoint must hold.
    package var state: [NamedTensor] {
        [
            NamedTensor("weight", weight), NamedTensor("bias", bias),
            NamedTensor("velocity.weight", weightVelocity), NamedTensor("velocity.bias", biasVelocity),
        ]
    }
}
