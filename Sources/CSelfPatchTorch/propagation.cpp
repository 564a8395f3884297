// Labels that follow the patches of a video, forward only and on the CPU: each patch of a frame takes the labels of the patches
// nearest to it in earlier frames, within a window. Tensor operations for the same stand in LabelPropagation.swift and define
// what is computed here.
//
// Cosines of a tile of queries with the columns of one row of keys are a small matrix product. For it a row of keys lies with
// its columns side by side, [width, columns], and with room on both sides, so that every window is a piece of memory.
#include "guard.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>
#include <cmath>
#include <functional>

using namespace selfpatch;

namespace {

/// Queries, neighbours in a row, whose products with the keys are computed together: so many accumulators fill the registers.
constexpr int64_t tile = 8;
/// Columns of keys a step.
constexpr int64_t lanes = 16;

typedef float Lanes __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float))));

int64_t roundedUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

/// Columns that a tile looks at, in whole steps.
int64_t windowStride(int64_t radius) { return roundedUp(2 * radius + tile, lanes); }

/// Numbers from one channel of a row of keys to the next: as many as its last tile reads.
int64_t keyStride(int64_t columns, int64_t radius) { return (columns - 1) / tile * tile + windowStride(radius); }

/// queries [width, tile], keys [width, stride]: products [tile, lanes] from the first of `products` on, rows `step` apart.
SP_EVERY_WIDTH void tileProducts(
    const float *queries, const float *keys, int64_t stride, int64_t width, float *products, int64_t step) {
    Lanes sums[tile] = {};
    for (int64_t d = 0; d < width; ++d) {
        Lanes key = *reinterpret_cast<const Lanes *>(keys + d * stride);
        for (int64_t j = 0; j < tile; ++j) sums[j] += queries[d * tile + j] * key;
    }
    for (int64_t j = 0; j < tile; ++j) *reinterpret_cast<Lanes *>(products + j * step) = sums[j];
}

/// The smallest of the `count` largest numbers; of all, where there are no more.
float thresholdOf(const std::vector<float> &values, size_t count, std::vector<float> &heap) {
    // A heap whose first element is the smallest of those kept. Nearly all values fall below it and cost one comparison.
    heap.assign(values.begin(), values.begin() + std::min(count, values.size()));
    std::make_heap(heap.begin(), heap.end(), std::greater<float>());
    for (size_t i = heap.size(); i < values.size(); ++i) {
        if (values[i] <= heap.front()) continue;
        std::pop_heap(heap.begin(), heap.end(), std::greater<float>());
        heap.back() = values[i];
        std::push_heap(heap.begin(), heap.end(), std::greater<float>());
    }
    return heap.front();
}

const float *floats(const at::Tensor &tensor, const char *name, at::IntArrayRef shape) {
    TORCH_CHECK(tensor.sizes() == shape, name, ": ", tensor.sizes(), " instead of ", shape);
    return selfpatch::floats(tensor, name);
}

struct Frame {
    const float *keys;   // [rows, width, stride]
    const float *labels; // [patches, objects]
};

} // namespace

sp_error *sp_window_keys(sp_tensor tokens, int64_t rows, int64_t columns, int64_t radius, sp_tensor *out) {
    return guarded([&] {
        const auto &t = borrow(tokens);
        TORCH_CHECK(t.dim() == 2 && radius >= 0, "tokens of ", t.sizes(), ", radius ", radius);
        int64_t width = t.size(1), stride = keyStride(columns, radius);
        const float *x = floats(t, "tokens", {rows * columns, width});
        auto result = at::zeros({rows, width, stride});
        float *keys = result.data_ptr<float>();
        parallelRows(rows, [=](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row)
                for (int64_t column = 0; column < columns; ++column)
                    for (int64_t d = 0; d < width; ++d)
                        keys[(row * width + d) * stride + radius + column] = x[(row * columns + column) * width + d];
        });
        *out = give(std::move(result));
    });
}

sp_error *sp_propagate_labels(
    sp_tensor queries, const sp_tensor *keys, const sp_tensor *labels, size_t count, int64_t rows, int64_t columns,
    int64_t radius, int64_t top, double temperature, sp_tensor *out) {
    return guarded([&] {
        const auto &q = borrow(queries);
        TORCH_CHECK(q.dim() == 2 && count > 0 && radius >= 0 && top > 0, "queries of ", q.sizes(), ", ", count,
                    " frames, radius ", radius, ", top ", top);
        int64_t width = q.size(1), stride = keyStride(columns, radius), step = windowStride(radius);
        const float *x = floats(q, "queries", {rows * columns, width});
        int64_t objects = borrow(labels[0]).size(-1);
        std::vector<Frame> frames;
        for (size_t i = 0; i < count; ++i)
            frames.push_back({floats(borrow(keys[i]), "keys", {rows, width, stride}),
                              floats(borrow(labels[i]), "labels", {rows * columns, objects})});
        auto result = at::zeros({rows * columns, objects});
        float *o = result.data_ptr<float>();
        int64_t tiles = roundedUp(columns, tile) / tile;
        float scale = static_cast<float>(temperature);

        parallelRows(rows * tiles, [=, &frames](int64_t begin, int64_t end) {
            std::vector<float> packed(width * tile), products(tile * step), heap;
            std::vector<float> cosines[tile];
            for (int64_t place = begin; place < end; ++place) {
                int64_t row = place / tiles, first = place % tiles * tile, used = std::min(tile, columns - first);
                int64_t upper = std::max<int64_t>(0, row - radius), lower = std::min(rows - 1, row + radius);
                for (int64_t d = 0; d < width; ++d)
                    for (int64_t j = 0; j < tile; ++j)
                        packed[d * tile + j] = j < used ? x[(row * columns + first + j) * width + d] : 0;
                for (auto &list : cosines) list.clear();
                auto left = [=](int64_t j) { return std::max<int64_t>(0, first + j - radius); };
                auto right = [=](int64_t j) { return std::min(columns - 1, first + j + radius); };

                for (const Frame &frame : frames)
                    for (int64_t source = upper; source <= lower; ++source) {
                        // Column `first - radius` of the picture lies at `first` of the padded row.
                        const float *from = frame.keys + source * width * stride + first;
                        for (int64_t c = 0; c < step; c += lanes)
                            tileProducts(packed.data(), from + c, stride, width, products.data() + c, step);
                        for (int64_t j = 0; j < used; ++j) {
                            const float *line = products.data() + j * step;
                            int64_t start = first - radius; // the column of the picture that the products begin with
                            cosines[j].insert(cosines[j].end(), line + left(j) - start, line + right(j) + 1 - start);
                        }
                    }

                for (int64_t j = 0; j < used; ++j) {
                    float least = thresholdOf(cosines[j], static_cast<size_t>(top), heap);
                    float most = *std::max_element(heap.begin(), heap.end()), sum = 0;
                    float *into = o + (row * columns + first + j) * objects;
                    size_t next = 0;
                    for (const Frame &frame : frames)
                        for (int64_t source = upper; source <= lower; ++source)
                            for (int64_t column = left(j); column <= right(j); ++column) {
                                float cosine = cosines[j][next++];
                                if (!(cosine >= least)) continue; // equal ones all count
                                float weight = std::exp((cosine - most) / scale);
                                const float *label = frame.labels + (source * columns + column) * objects;
                                for (int64_t n = 0; n < objects; ++n) into[n] += weight * label[n];
                                sum += weight;
                            }
                    for (int64_t n = 0; n < objects; ++n) into[n] /= sum;
                }
            }
        });
        *out = give(std::move(result));
    });
}
