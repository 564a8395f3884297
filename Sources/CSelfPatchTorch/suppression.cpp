// Non-maximum suppression: of boxes that show the same thing the best one. Each box is compared with the boxes kept before it in its
// group, sixteen at a time, until one overlaps it too much: most boxes of a detector meet theirs early.
#include "guard.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <vector>

using namespace selfpatch;

namespace {

constexpr int64_t lanes = 16;

/// Boxes side by side. Where there is none the area is NaN, and no overlap with it is above anything.
struct Boxes {
    float x1[lanes] = {}, y1[lanes] = {}, x2[lanes] = {}, y2[lanes] = {}, area[lanes];

    Boxes() { std::fill_n(area, lanes, std::numeric_limits<float>::quiet_NaN()); }
};

/// Whether the box overlaps one of these by more than `limit`. The quotient is rounded as the definition says, step by step: a fused
/// multiply-add would decide borderline pairs otherwise.
SP_EVERY_WIDTH bool isOverlapped(const Boxes *kept, size_t count, const float *box, float area, float limit) {
#pragma clang fp contract(off)
    for (size_t i = 0; i < count; ++i) {
        const Boxes &other = kept[i];
        int32_t above = 0;
        for (int64_t l = 0; l < lanes; ++l) {
            float left = other.x1[l] < box[0] ? box[0] : other.x1[l], right = other.x2[l] < box[2] ? other.x2[l] : box[2];
            float top = other.y1[l] < box[1] ? box[1] : other.y1[l], bottom = other.y2[l] < box[3] ? other.y2[l] : box[3];
            float width = right - left, height = bottom - top;
            width = width > 0 ? width : 0;
            height = height > 0 ? height : 0;
            float shared = width * height;
            above |= shared / (other.area[l] + area - shared) > limit;
        }
        if (above) return true;
    }
    return false;
}

/// The boxes of a group that were kept, best first.
struct Group {
    std::vector<Boxes> kept;
    int64_t count = 0;

    void keep(const float *box, float area) {
        if (count % lanes == 0) kept.emplace_back();
        Boxes &last = kept.back();
        int64_t l = count++ % lanes;
        last.x1[l] = box[0];
        last.y1[l] = box[1];
        last.x2[l] = box[2];
        last.y2[l] = box[3];
        last.area[l] = area;
    }
};

float areaOf(const float *box) { return (box[2] - box[0]) * (box[3] - box[1]); }

/// The largest float32 that is not above: x > it just where x > `number`.
float roundedDown(double number) {
    auto near = static_cast<float>(number);
    return static_cast<double>(near) > number ? std::nextafter(near, -std::numeric_limits<float>::infinity()) : near;
}

} // namespace

sp_error *sp_suppression(sp_tensor boxes, sp_tensor scores, sp_tensor groupsOrNull, double overlap, sp_tensor *out) {
    return guarded([&] {
        auto b = borrow(boxes).detach(), s = borrow(scores).detach();
        auto device = b.device();
        int64_t count = b.size(0);
        TORCH_CHECK(b.dim() == 2 && b.size(1) == 4 && s.dim() == 1 && s.size(0) == count, "boxes of ", b.sizes(),
                    ", scores of ", s.sizes());
        TORCH_CHECK(!std::isnan(overlap), "the overlap is not a number");
        at::Tensor g = groupsOrNull ? borrow(groupsOrNull) : at::zeros_like(s, at::kLong);
        TORCH_CHECK(g.sizes() == s.sizes(), "groups of ", g.sizes(), ", scores of ", s.sizes());
        TORCH_CHECK(s.device() == device && g.device() == device, "boxes on ", device, ", scores on ", s.device(),
                    ", groups on ", g.device());
        if (!b.is_cpu()) { // one wait for the device; float64 holds all of them exactly
            auto all = at::cat({b.to(at::kDouble), s.to(at::kDouble).unsqueeze(1), g.to(at::kDouble).unsqueeze(1)}, 1)
                           .to(at::kCPU);
            b = all.narrow(1, 0, 4);
            s = all.select(1, 4);
            g = all.select(1, 5);
        }
        b = b.to(at::kFloat).contiguous();
        s = s.to(at::kFloat).nan_to_num(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
                                        -std::numeric_limits<double>::infinity()).contiguous();
        g = g.to(at::kLong).contiguous();
        const float *rows = b.data_ptr<float>(), *values = s.data_ptr<float>();
        const int64_t *names = g.data_ptr<int64_t>();

        std::vector<int64_t> order(count), kept;
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [=](int64_t i, int64_t j) { return values[i] > values[j]; });
        std::unordered_map<int64_t, Group> groups;
        float limit = roundedDown(overlap);
        for (int64_t i : order) {
            const float *box = rows + 4 * i;
            float area = areaOf(box);
            Group &group = groups[names[i]];
            if (isOverlapped(group.kept.data(), group.kept.size(), box, area, limit)) continue;
            group.keep(box, area);
            kept.push_back(i);
        }
        *out = give(moved(at::tensor(kept, at::kLong), device));
    });
}
