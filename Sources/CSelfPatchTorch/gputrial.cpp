// Our kernels are tried on the GPU at hand, against libtorch's operations, before anything relies upon them: NVRTC makes them anew for
// every card, and a run of days is no place to learn that it made them wrong.
#include "gpukernel.hpp"
#include "guard.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <mutex>

using namespace selfpatch;

namespace {

/// Numbers between -1 and 1 that repeat nothing, without a draw from any generator.
at::Tensor wave(at::IntArrayRef shape, double step, at::Device place) {
    return (at::arange(c10::multiply_integers(shape), at::TensorOptions(place).dtype(at::kFloat)) * step).sin().view(shape);
}

void compare(const char *name, const at::Tensor &ours, const at::Tensor &theirs, double tolerance) {
    double difference = (ours.to(at::kFloat) - theirs.to(at::kFloat)).abs().max().item<double>();
    double size = theirs.abs().max().item<double>();
    TORCH_CHECK(
        difference <= tolerance * size, "the kernel ", name, " is wrong on it, by ", difference, " in numbers of up to ", size);
}

void tryDistributions(at::Device place, int64_t count) {
    const float inverse = 12;
    auto center = wave({count}, 0.3, place), logits = wave({6, count}, 0.7, place).to(at::kBFloat16);
    auto targets = centeredSoftmaxOnGPU(logits, center, inverse);
    compare("centered_softmax", targets, at::softmax((logits.to(at::kFloat) - center) * inverse, 1), 1e-4);

    auto some = targets.slice(0, 0, 3), products = wave({6, count}, 0.9, place).to(at::kBFloat16);
    auto s = (products.to(at::kFloat) * inverse).view({2, 3, count});
    auto lse = s.logsumexp(-1, true);
    auto expected = ((s - lse).exp() * 2 - some) * (0.5 * inverse);
    auto gradient = products.clone();
    auto loss = crossEntropyIntoGradientOnGPU(gradient, some, inverse, 2, 0.5);
    compare("cross_entropy_into_gradient", loss, (lse.sum() * 2 - (s * some).sum()) * 0.5, 1e-4);
    compare("cross_entropy_into_gradient", gradient.view({2, 3, count}), expected, 0.01);
}

void tryLayerNorm(at::Device place) {
    at::AutoGradMode recording(true);
    auto input = wave({90, 192}, 0.7, place).requires_grad_(), weight = (wave({192}, 0.3, place) + 2).requires_grad_();
    auto bias = wave({192}, 0.5, place).requires_grad_(), upstream = wave({90, 192}, 1.1, place).to(at::kBFloat16);
    auto ours = layerNormOnGPU(input, weight, bias, 1e-6), theirs = at::layer_norm(input, {192}, weight, bias, 1e-6);
    compare("layer_norm", ours.detach(), theirs.detach(), 0.01);
    auto made = torch::autograd::grad({ours}, {input, weight, bias}, {upstream});
    auto expected = torch::autograd::grad({theirs}, {input, weight, bias}, {upstream.to(at::kFloat)});
    for (size_t i = 0; i < made.size(); ++i) compare("layer_norm_gradient", made[i], expected[i], 1e-4);
}

void tryResidual(at::Device place) {
    at::AutoGradMode recording(true);
    auto tokens = wave({5, 7, 64}, 0.7, place).requires_grad_(), branch = wave({5, 7, 64}, 0.9, place).to(at::kBFloat16).requires_grad_();
    auto factors = wave({5, 1, 1}, 1.3, place), upstream = wave({5, 7, 64}, 1.1, place);
    auto sum = addScaledOnGPU(tokens, branch, factors);
    compare("add_scaled", sum.detach(), tokens.detach() + branch.detach().to(at::kFloat) * factors, 1e-5);
    compare("add_scaled", addScaledOnGPU(tokens, branch, {}).detach(), tokens.detach() + branch.detach().to(at::kFloat), 1e-5);
    auto made = torch::autograd::grad({sum}, {tokens, branch}, {upstream});
    compare("scale_rounded", made[0], upstream, 1e-5);
    compare("scale_rounded", made[1], upstream * factors, 0.01);
}

void tryNeighbors(at::Device place) {
    const int64_t images = 2, patches = 6, count = 3, heads = 2, part = 64;
    auto table = (at::arange(count * patches, at::TensorOptions(place).dtype(at::kLong)) * 5 + 1).remainder(patches).view({count, patches});
    auto gathered = [&](const at::Tensor &rows) { return rows.index_select(1, table.t().reshape({-1})).unflatten(1, {patches, count}); };
    auto tokens = wave({images, patches, 100}, 0.7, place), unit = tokens / tokens.norm(2, {-1}, true);
    compare(
        "neighbor_similarities", neighborSimilaritiesOnGPU(tokens, table), (unit.unsqueeze(2) * gathered(unit)).sum(-1), 1e-4);

    auto draw = [&](double step) { return wave({images, patches, heads, part}, step, place).to(at::kBFloat16); };
    auto query = draw(0.3), keys = draw(0.7), values = draw(0.9), ownValues = draw(1.1);
    auto ownLogits = wave({images, patches, heads}, 0.5, place);
    auto excluded = wave({images, patches, count}, 1.9, place) > 0.5;
    // [images, patches, candidates, heads]
    auto logits = (query.to(at::kFloat).unsqueeze(2) * gathered(keys.to(at::kFloat))).sum(-1);
    logits = logits.masked_fill(excluded.unsqueeze(-1), -INFINITY);
    auto weights = at::softmax(at::cat({ownLogits.unsqueeze(2), logits}, 2), 2).unsqueeze(-1);
    auto all = at::cat({ownValues.to(at::kFloat).unsqueeze(2), gathered(values.to(at::kFloat))}, 2);
    compare(
        "neighbor_attention", neighborAttentionOnGPU(query, keys, values, ownLogits, ownValues, table, excluded),
        (weights * all).sum(2).flatten(2), 0.01);
}

std::string obstacle(at::Device place) {
    if (!toolkitObstacle().empty()) return toolkitObstacle();
    c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
    try {
        at::NoGradGuard without;
        for (int64_t count : {1000, 20000}) tryDistributions(place, count);
        tryLayerNorm(place);
        tryResidual(place);
        tryNeighbors(place);
        return "";
    } catch (const c10::OutOfMemoryError &) {
        return "it has no memory free to try them";
    } catch (const c10::Error &error) {
        return error.what_without_backtrace();
    } catch (const std::exception &error) {
        return error.what();
    }
}

/// Empty where there is none. What was found once stays.
const std::string &knownObstacle(at::Device place) {
    static std::mutex lock;
    static std::map<c10::DeviceIndex, std::string> known;
    std::lock_guard guard(lock);
    auto found = known.find(place.index());
    if (found == known.end()) found = known.emplace(place.index(), obstacle(place)).first;
    return found->second;
}

} // namespace

bool selfpatch::hasKernels(at::Device place) { return place.is_cuda() && knownObstacle(place).empty(); }

const char *sp_gpu_kernel_obstacle(sp_device device) {
    const auto &found = knownObstacle(selfpatch::device(device));
    return found.empty() ? nullptr : found.c_str();
}
