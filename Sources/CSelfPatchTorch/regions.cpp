// RoIAlign: regions of feature maps, read at points between the cells and averaged in bins. Both directions are independent of each
// other, so that a region is A_y map A_x^T with two small sparse matrices (Mask R-CNN, section 3, with half a cell's shift;
// torchvision's roi_align with `aligned`).
//
// On the CPU a vector holds as many channels of one cell. Maps are laid out so for one block of channels at a time, which then stays
// in the cache while every region reads it, or adds its gradient to it: a block belongs to one thread, so sums come in the
// regions' order on any number of threads. Elsewhere A_y and A_x are dense and multiplied by libtorch, which also defines what
// is computed here.
#include "guard.hpp"
#include "parallel.hpp"
#include "vectormath.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace selfpatch;

namespace {

/// Channels that are computed together; with fewer than half of them maps are read as they lie, one number a cell.
constexpr int64_t lanes = 16;

typedef float Lanes __attribute__((vector_size(lanes * sizeof(float))));

/// Where it is computed with dense matrices, the most numbers of all products in between.
constexpr int64_t mostBetween = int64_t(1) << 26;

/// Bin `bin` of a region's row or column takes `weight` of the map's row or column `cell`.
struct Tap {
    int32_t bin, cell;
    float weight;
};

/// One of the two matrices, without its zeros.
struct Matrix {
    std::vector<Tap> byBin, byCell;
    /// Where each bin's taps begin, and where the last one's end.
    std::vector<int32_t> bins;
    /// Where the taps of each cell that has any begin, and where the last one's end.
    std::vector<int32_t> cells;
    /// Points a bin.
    float points = 0;

    /// From `begin` to `end` on a map with `length` cells, whose middles are whole numbers.
    Matrix(float begin, float end, int64_t length, int64_t size, int64_t samples) {
        // Points are where the definition's float32 puts them: whether one is just outside must not hang on a fused multiply-add.
#pragma clang fp contract(off)
        float bin = (end - begin) / static_cast<float>(size);
        points = samples > 0 ? static_cast<float>(samples) : std::ceil(bin);
        for (int64_t b = 0; b < size; ++b) {
            bins.push_back(static_cast<int32_t>(byBin.size()));
            if (!std::isfinite(bin)) { // nothing can be read there, and whoever looks at the result shall see it
                byBin.push_back({static_cast<int32_t>(b), 0, std::numeric_limits<float>::quiet_NaN()});
                continue;
            }
            if (!(points > 0)) continue;
            float origin = begin + static_cast<float>(b) * bin;
            int64_t first = 0, last = static_cast<int64_t>(std::min(points, 1e15f));
            if (samples == 0) { // however large the region, only points on the map are visited
                float low = (-1 - origin) / bin * points, high = (static_cast<float>(length) - origin) / bin * points;
                first = std::max(first, static_cast<int64_t>(std::min(std::max(low, 0.0f), 1e15f)) - 2);
                last = std::min(last, static_cast<int64_t>(std::min(std::max(high, 0.0f), 1e15f)) + 2);
            }
            for (int64_t k = first; k < last; ++k) {
                float place = origin + (static_cast<float>(k) + 0.5f) * bin / points;
                if (!(place >= -1 && place <= static_cast<float>(length))) continue;
                place = std::max(place, 0.0f);
                int64_t cell = static_cast<int64_t>(place);
                if (cell >= length - 1) {
                    add(b, length - 1, 1);
                } else {
                    float beyond = place - static_cast<float>(cell);
                    add(b, cell, 1 - beyond);
                    if (beyond > 0) add(b, cell + 1, beyond);
                }
            }
        }
        bins.push_back(static_cast<int32_t>(byBin.size()));
    }

    /// To be called once, when the weights are as they shall be.
    void sortByCell() {
        byCell = byBin;
        std::stable_sort(byCell.begin(), byCell.end(), [](const Tap &a, const Tap &b) { return a.cell < b.cell; });
        for (size_t i = 0; i < byCell.size(); ++i)
            if (i == 0 || byCell[i].cell != byCell[i - 1].cell) cells.push_back(static_cast<int32_t>(i));
        cells.push_back(static_cast<int32_t>(byCell.size()));
    }

  private:
    /// Neighbouring points of a bin share cells: one tap for both.
    void add(int64_t bin, int64_t cell, float weight) {
        for (size_t i = byBin.size(); i > static_cast<size_t>(bins.back()) && i + 2 > byBin.size(); --i)
            if (byBin[i - 1].cell == cell) {
                byBin[i - 1].weight += weight;
                return;
            }
        byBin.push_back({static_cast<int32_t>(bin), static_cast<int32_t>(cell), weight});
    }
};

struct Region {
    int64_t image;
    Matrix rows, columns;
};

/// The settings of a call.
struct Pooling {
    int64_t size;
    double scale;
    int64_t samples;
};

std::vector<Region> regionsOf(const at::Tensor &list, at::IntArrayRef map, const Pooling &pooling) {
    auto scale = static_cast<float>(pooling.scale);
    std::vector<Region> result;
    result.reserve(list.size(0));
    const float *r = list.data_ptr<float>();
    for (int64_t i = 0; i < list.size(0); ++i, r += 5) {
#pragma clang fp contract(off)
        TORCH_CHECK(r[0] >= 0 && r[0] < static_cast<float>(map[0]), "region ", i, " is of image ", r[0], " of ", map[0]);
        Region region{
            static_cast<int64_t>(r[0]),
            Matrix(r[2] * scale - 0.5f, r[4] * scale - 0.5f, map[2], pooling.size, pooling.samples),
            Matrix(r[1] * scale - 0.5f, r[3] * scale - 0.5f, map[3], pooling.size, pooling.samples)};
        float share = 1 / std::max(region.rows.points * region.columns.points, 1.0f);
        for (Tap &tap : region.rows.byBin) tap.weight *= share;
        region.rows.sortByCell();
        region.columns.sortByCell();
        result.push_back(std::move(region));
    }
    return result;
}

std::vector<std::vector<int64_t>> numbersByImage(const std::vector<Region> &regions, int64_t images) {
    std::vector<std::vector<int64_t>> result(images);
    for (size_t i = 0; i < regions.size(); ++i) result[regions[i].image].push_back(static_cast<int64_t>(i));
    return result;
}

// MARK: On the CPU

/// map [rows, columns] to bins [size, size]; `line` has room for one row of bins.
template <typename Cell>
inline __attribute__((always_inline)) void read(
    const Cell *map, int64_t columns, const Region &region, int64_t size, Cell *line, Cell *bins) {
    const Matrix &y = region.rows, &x = region.columns;
    for (int64_t i = 0; i < size * size; ++i) bins[i] = Cell{};
    for (size_t c = 0; c + 1 < y.cells.size(); ++c) {
        const Cell *from = map + y.byCell[y.cells[c]].cell * columns;
        for (int64_t j = 0; j < size; ++j) {
            Cell sum{};
            for (int32_t t = x.bins[j]; t < x.bins[j + 1]; ++t) sum += x.byBin[t].weight * from[x.byBin[t].cell];
            line[j] = sum;
        }
        for (int32_t t = y.cells[c]; t < y.cells[c + 1]; ++t) {
            Cell *into = bins + y.byCell[t].bin * size;
            for (int64_t j = 0; j < size; ++j) into[j] += y.byCell[t].weight * line[j];
        }
    }
}

/// Adds the gradient of bins [size, size] to that of the map [rows, columns].
template <typename Cell>
inline __attribute__((always_inline)) void spread(
    const Cell *bins, int64_t columns, const Region &region, int64_t size, Cell *line, Cell *map) {
    const Matrix &y = region.rows, &x = region.columns;
    for (size_t c = 0; c + 1 < y.cells.size(); ++c) {
        for (int64_t j = 0; j < size; ++j) line[j] = Cell{};
        for (int32_t t = y.cells[c]; t < y.cells[c + 1]; ++t) {
            const Cell *from = bins + y.byCell[t].bin * size;
            for (int64_t j = 0; j < size; ++j) line[j] += y.byCell[t].weight * from[j];
        }
        Cell *into = map + y.byCell[y.cells[c]].cell * columns;
        for (size_t d = 0; d + 1 < x.cells.size(); ++d) {
            Cell sum{};
            for (int32_t t = x.cells[d]; t < x.cells[d + 1]; ++t) sum += x.byCell[t].weight * line[x.byCell[t].bin];
            into[x.byCell[x.cells[d]].cell] += sum;
        }
    }
}

SP_EVERY_WIDTH void readLanes(
    const Lanes *map, int64_t columns, const Region &region, int64_t size, Lanes *line, Lanes *bins) {
    read(map, columns, region, size, line, bins);
}

SP_EVERY_WIDTH void spreadLanes(
    const Lanes *bins, int64_t columns, const Region &region, int64_t size, Lanes *line, Lanes *map) {
    spread(bins, columns, region, size, line, map);
}

/// planes [channels, count], `channels` at most `lanes` of them, to cells [count, lanes].
SP_EVERY_WIDTH void interleave(const float *planes, int64_t channels, int64_t count, float *cells) {
    transposeSquares(planes, count, channels, count, cells, lanes);
}

SP_EVERY_WIDTH void separate(const float *cells, int64_t channels, int64_t count, float *planes) {
    transposeSquares(cells, lanes, count, channels, planes, count);
}

/// Calls body(image, first channel, number of channels, room for the block's map) for every block of channels of every image.
template <typename Body> void forEachBlock(at::IntArrayRef map, Body body) {
    int64_t images = map[0], channels = map[1], blocks = (channels + lanes - 1) / lanes;
    parallelRows(images * blocks, [&](int64_t begin, int64_t end) {
        auto room = at::empty({map[2] * map[3], lanes});
        for (int64_t unit = begin; unit < end; ++unit) {
            int64_t first = unit / images * lanes;
            body(unit % images, first, std::min(lanes, channels - first), room.data_ptr<float>());
        }
    });
}

/// [images, channels, rows, columns] to [regions, channels, size, size].
at::Tensor aligned(const at::Tensor &map, const at::Tensor &list, const Pooling &pooling) {
    auto regions = regionsOf(list, map.sizes(), pooling);
    int64_t channels = map.size(1), columns = map.size(3), plane = map.size(2) * columns;
    int64_t size = pooling.size, area = size * size;
    auto result = at::empty({list.size(0), channels, size, size}, map.options());
    const float *source = map.data_ptr<float>();
    float *target = result.data_ptr<float>();
    if (2 * channels < lanes) {
        parallelRows(static_cast<int64_t>(regions.size()), [&](int64_t begin, int64_t end) {
            std::vector<float> line(size);
            for (int64_t i = begin; i < end; ++i)
                for (int64_t c = 0; c < channels; ++c)
                    read(source + (regions[i].image * channels + c) * plane, columns, regions[i], size, line.data(),
                         target + (i * channels + c) * area);
        });
        return result;
    }
    auto numbers = numbersByImage(regions, map.size(0));
    forEachBlock(map.sizes(), [&](int64_t image, int64_t first, int64_t count, float *room) {
        if (numbers[image].empty()) return;
        std::vector<Lanes> line(size), bins(area);
        interleave(source + (image * channels + first) * plane, count, plane, room);
        for (int64_t i : numbers[image]) {
            readLanes(reinterpret_cast<Lanes *>(room), columns, regions[i], size, line.data(), bins.data());
            separate(reinterpret_cast<float *>(bins.data()), count, area, target + (i * channels + first) * area);
        }
    });
    return result;
}

/// The gradient at a map of this shape of what arrives at its regions.
at::Tensor alignedGradient(
    at::IntArrayRef map, const at::Tensor &list, const at::Tensor &upstream, const Pooling &pooling) {
    auto regions = regionsOf(list, map, pooling);
    auto numbers = numbersByImage(regions, map[0]);
    int64_t channels = map[1], columns = map[3], plane = map[2] * columns;
    int64_t size = pooling.size, area = size * size;
    auto result = at::empty(map, upstream.options());
    const float *source = upstream.data_ptr<float>();
    float *target = result.data_ptr<float>();
    if (2 * channels < lanes) {
        parallelRows(map[0] * channels, [&](int64_t begin, int64_t end) {
            std::vector<float> line(size);
            for (int64_t unit = begin; unit < end; ++unit) {
                std::fill_n(target + unit * plane, plane, 0.0f);
                for (int64_t i : numbers[unit / channels])
                    spread(source + (i * channels + unit % channels) * area, columns, regions[i], size, line.data(),
                           target + unit * plane);
            }
        });
        return result;
    }
    forEachBlock(map, [&](int64_t image, int64_t first, int64_t count, float *room) {
        std::vector<Lanes> line(size), bins(area);
        std::fill_n(room, plane * lanes, 0.0f);
        for (int64_t i : numbers[image]) {
            interleave(source + (i * channels + first) * area, count, area, reinterpret_cast<float *>(bins.data()));
            spreadLanes(bins.data(), columns, regions[i], size, line.data(), reinterpret_cast<Lanes *>(room));
        }
        separate(room, count, plane, target + (image * channels + first) * plane);
    });
    return result;
}

/// Keeps the regions alone: their taps are found again for the backward.
struct AlignedRegions : torch::autograd::Function<AlignedRegions> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &map, const at::Tensor &list, int64_t size, double scale,
        int64_t samples) {
        context->save_for_backward({list});
        context->saved_data["map"] = map.sizes().vec();
        context->saved_data["size"] = size;
        context->saved_data["scale"] = scale;
        context->saved_data["samples"] = samples;
        return aligned(map, list, {size, scale, samples});
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto &saved = context->saved_data;
        auto gradient = alignedGradient(
            saved["map"].toIntVector(), context->get_saved_variables()[0], upstream[0].contiguous(),
            {saved["size"].toInt(), saved["scale"].toDouble(), saved["samples"].toInt()});
        return {gradient, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

// MARK: Elsewhere

/// The matrices of some regions, zeros and all: [regions, size, length].
at::Tensor dense(
    const std::vector<Region> &regions, const std::vector<int64_t> &numbers, Matrix Region::*direction, int64_t size,
    int64_t length) {
    auto result = at::zeros({static_cast<int64_t>(numbers.size()), size, length});
    float *values = result.data_ptr<float>();
    for (int64_t i : numbers) {
        for (const Tap &tap : (regions[i].*direction).byBin) values[tap.bin * length + tap.cell] += tap.weight;
        values += size * length;
    }
    return result;
}

at::Tensor multiplied(const at::Tensor &map, const at::Tensor &list, const Pooling &pooling) {
    c10::impl::ExcludeDispatchKeyGuard withoutAutocast(c10::autocast_dispatch_keyset);
    auto regions = regionsOf(list, map.sizes(), pooling);
    int64_t channels = map.size(1), rows = map.size(2), columns = map.size(3), size = pooling.size;
    if (regions.empty()) return map.narrow(0, 0, 0).reshape({0, channels, size, size});
    int64_t most = std::max<int64_t>(1, mostBetween / (size * channels * columns));
    auto numbers = numbersByImage(regions, map.size(0));
    std::vector<at::Tensor> parts;
    std::vector<int64_t> places(regions.size()); // of each region among the parts
    int64_t done = 0;
    for (size_t image = 0; image < numbers.size(); ++image) {
        if (numbers[image].empty()) continue;
        auto lines = map.select(0, static_cast<int64_t>(image)).transpose(0, 1).reshape({rows, channels * columns});
        for (size_t first = 0; first < numbers[image].size(); first += static_cast<size_t>(most)) {
            auto start = numbers[image].begin() + static_cast<int64_t>(first);
            std::vector<int64_t> group(
                start, start + std::min(most, static_cast<int64_t>(numbers[image].size() - first)));
            auto count = static_cast<int64_t>(group.size());
            auto matrices = [&](Matrix Region::*direction, int64_t length) {
                return moved(dense(regions, group, direction, size, length).to(map.scalar_type()), map.device());
            };
            auto y = matrices(&Region::rows, rows), x = matrices(&Region::columns, columns);
            auto between = at::matmul(y.view({count * size, rows}), lines).view({count, size * channels, columns});
            parts.push_back(at::matmul(between, x.transpose(1, 2)).view({count, size, channels, size}).transpose(1, 2));
            for (int64_t i : group) places[i] = done++;
        }
    }
    return at::index_select(at::cat(parts), 0, moved(at::tensor(places, at::kLong), map.device()));
}

} // namespace

sp_error *sp_aligned_regions(sp_tensor map, sp_tensor regions, int64_t size, double scale, int64_t samples, sp_tensor *out) {
    return guarded([&] {
        const auto &m = borrow(map);
        const auto &r = borrow(regions);
        TORCH_CHECK(m.dim() == 4 && m.size(2) > 0 && m.size(3) > 0, "a map of ", m.sizes());
        TORCH_CHECK(r.dim() == 2 && r.size(1) == 5, "regions of ", r.sizes(), " instead of [regions, 5]");
        TORCH_CHECK(size > 0 && scale > 0 && samples >= 0, "size ", size, ", scale ", scale, ", samples ", samples);
        // Shorter types cannot say where a border lies.
        auto input = m.scalar_type() == at::kDouble ? m : m.to(at::kFloat);
        auto list = r.detach().to(at::kCPU, at::kFloat).contiguous();
        if (!input.is_cpu() || input.scalar_type() == at::kDouble) {
            *out = give(multiplied(input, list, {size, scale, samples}));
            return;
        }
        input = input.contiguous();
        *out = give(
            isRecorded(input) ? AlignedRegions::apply(input, list, size, scale, samples)
                              : aligned(input, list, {size, scale, samples}));
    });
}
