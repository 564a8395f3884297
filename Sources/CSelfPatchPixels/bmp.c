// BMP, read here: palettes of 1, 2, 4 and 8 bits, run lengths, 16, 24 and 32 bits, any bit masks, rows either way up.
#include "formats.h"

#include <string.h>

typedef struct {
    int64_t width, height;
    bool is_top_down;
    uint32_t depth, compression;
    size_t palette, data;  // offsets; the palette lies between the headers and the data
    uint32_t palette_count, palette_step;
    uint32_t masks[4];  // red, green, blue, alpha
} bmp_header;

enum { no_compression = 0, rle8 = 1, rle4 = 2, bit_fields = 3, jpeg_inside = 4, png_inside = 5, alpha_bit_fields = 6 };

static px_status read_masks(px_input input, size_t info_size, bmp_header *header, px_reason *reason) {
    if (header->depth != 16 && header->depth != 32) return PX_OK;
    if (header->compression == no_compression) {
        bool is_16 = header->depth == 16;
        header->masks[0] = is_16 ? 0x7C00 : 0xFF0000;
        header->masks[1] = is_16 ? 0x03E0 : 0x00FF00;
        header->masks[2] = is_16 ? 0x001F : 0x0000FF;
        return PX_OK;
    }
    // Masks follow the 40 bytes of the oldest header that has them, inside later headers and after that one alike.
    const size_t masks_at = 14 + 40;
    int count = info_size >= 56 || header->compression == alpha_bit_fields ? 4 : 3;
    if (input.count < masks_at + 4 * (size_t)count) return px_fail_truncated(reason, input);
    for (int i = 0; i < count; i++) header->masks[i] = px_little32(input.bytes + masks_at + 4 * (size_t)i);
    return PX_OK;
}

static px_status read_header(px_input input, bmp_header *header, px_reason *reason) {
    if (input.count < 26) return px_fail_truncated(reason, input);
    const uint8_t *bytes = input.bytes;
    size_t info_size = px_little32(bytes + 14);
    if (input.count < 14 + info_size) return px_fail_truncated(reason, input);
    header->data = px_little32(bytes + 10);
    uint32_t colors = 0;
    if (info_size == 12) {
        header->width = px_little16(bytes + 18);
        header->height = px_little16(bytes + 20);
        header->depth = px_little16(bytes + 24);
        header->palette_step = 3;
    } else {
        if (info_size < 16) return px_fail(reason, PX_CORRUPT, "is a damaged BMP (header of %zu bytes)", info_size);
        header->width = (int32_t)px_little32(bytes + 18);
        int64_t height = (int32_t)px_little32(bytes + 22);
        header->is_top_down = height < 0;
        header->height = height < 0 ? -height : height;
        header->depth = px_little16(bytes + 28);
        header->palette_step = 4;
        if (info_size >= 20) header->compression = px_little32(bytes + 30);
        if (info_size >= 36) colors = px_little32(bytes + 46);
    }
    header->palette = 14 + info_size;
    if (info_size == 40 && header->compression == bit_fields) header->palette += 12;
    if (info_size == 40 && header->compression == alpha_bit_fields) header->palette += 16;
    if (header->depth <= 8) {
        uint32_t most = 1u << header->depth;
        header->palette_count = colors == 0 || colors > most ? most : colors;
    }
    return PX_OK;
}

/// Everything that the header can have wrong, once its size is known to be allowed.
static px_status check_header(px_input input, const bmp_header *header, px_reason *reason) {
    uint32_t depth = header->depth, compression = header->compression;
    if (depth != 1 && depth != 2 && depth != 4 && depth != 8 && depth != 16 && depth != 24 && depth != 32) {
        return px_fail(reason, PX_CORRUPT, "is a damaged BMP (%u bits a pixel)", depth);
    }
    if (compression == jpeg_inside || compression == png_inside) {
        return px_fail(reason, PX_UNSUPPORTED, "is a BMP that holds a JPEG or PNG, which is not read");
    }
    bool is_known = compression == no_compression || (compression == rle8 && depth == 8)
                 || (compression == rle4 && depth == 4)
                 || ((compression == bit_fields || compression == alpha_bit_fields) && (depth == 16 || depth == 32));
    if (!is_known) {
        return px_fail(reason, PX_CORRUPT, "is a damaged BMP (compression %u of %u bits a pixel)", compression, depth);
    }
    bool is_packed = compression == rle8 || compression == rle4;
    if (is_packed && header->is_top_down) {
        return px_fail(reason, PX_CORRUPT, "is a damaged BMP (run lengths with rows from the top)");
    }
    if (header->data >= input.count) return px_fail_truncated(reason, input);
    if (header->palette_count > 0 && header->palette + header->palette_count * header->palette_step > input.count) {
        return px_fail_truncated(reason, input);
    }
    // Rows are filled up to four bytes, but for the last of all.
    uint64_t row = (uint64_t)(header->width * depth + 31) / 32 * 4, last = (uint64_t)(header->width * depth + 7) / 8;
    uint64_t rows = (uint64_t)header->height - 1, available = input.count - header->data;
    if (!is_packed && (last > available || rows > (available - last) / row)) {
        return px_fail_truncated(reason, input);
    }
    return PX_OK;
}

px_status px_probe_bmp(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    bmp_header header = {0};
    px_status status = read_header(input, &header, reason);
    if (status != PX_OK) return status;
    info->width = header.width;
    info->height = header.height;
    info->samples = info->color = 3;
    status = px_check_size(info, pixel_limit, reason);
    if (status == PX_OK) status = check_header(input, &header, reason);
    return status == PX_OK ? read_masks(input, px_little32(input.bytes + 14), &header, reason) : status;
}

/// The palette as red, green, blue; colours that the file lacks are black.
static void read_palette(px_input input, const bmp_header *header, uint8_t palette[256][3]) {
    memset(palette, 0, 256 * 3);
    for (uint32_t i = 0; i < header->palette_count; i++) {
        const uint8_t *entry = input.bytes + header->palette + i * header->palette_step;
        palette[i][0] = entry[2];
        palette[i][1] = entry[1];
        palette[i][2] = entry[0];
    }
}

static uint8_t *row_of(const bmp_header *header, int64_t stored_row, uint8_t *pixels) {
    int64_t row = header->is_top_down ? stored_row : header->height - 1 - stored_row;
    return pixels + row * header->width * 3;
}

static void put(const uint8_t palette[256][3], uint32_t index, uint8_t *pixel) { memcpy(pixel, palette[index], 3); }

static void read_indexed(px_input input, const bmp_header *header, uint8_t *pixels) {
    uint8_t palette[256][3];
    read_palette(input, header, palette);
    uint32_t depth = header->depth, most = (1u << depth) - 1;
    int64_t stride = (header->width * depth + 31) / 32 * 4;
    for (int64_t stored = 0; stored < header->height; stored++) {
        const uint8_t *source = input.bytes + header->data + stored * stride;
        uint8_t *row = row_of(header, stored, pixels);
        for (int64_t x = 0; x < header->width; x++) {
            int64_t bit = x * depth;
            uint32_t index = source[bit / 8] >> (8 - depth - bit % 8) & most;
            put(palette, index, row + 3 * x);
        }
    }
}

/// A channel cut out by its mask and scaled to 0...255; an empty mask is black.
static uint8_t masked(uint32_t value, uint32_t mask) {
    if (mask == 0) return 0;
    int shift = __builtin_ctz(mask);
    uint64_t most = mask >> shift, part = (value & mask) >> shift;
    return (uint8_t)((part * 255 + most / 2) / most);
}

static void read_direct(px_input input, const bmp_header *header, uint8_t *pixels) {
    int64_t bytes = header->depth / 8, stride = (header->width * header->depth + 31) / 32 * 4;
    bool is_plain = header->depth == 24
                 || (header->depth == 32 && header->masks[0] == 0xFF0000 && header->masks[1] == 0xFF00
                     && header->masks[2] == 0xFF);
    for (int64_t stored = 0; stored < header->height; stored++) {
        const uint8_t *source = input.bytes + header->data + stored * stride;
        uint8_t *row = row_of(header, stored, pixels);
        for (int64_t x = 0; x < header->width; x++, source += bytes, row += 3) {
            if (is_plain) {
                row[0] = source[2];
                row[1] = source[1];
                row[2] = source[0];
                continue;
            }
            uint32_t value = bytes == 2 ? px_little16(source) : px_little32(source);
            for (int channel = 0; channel < 3; channel++) row[channel] = masked(value, header->masks[channel]);
        }
    }
}

/// Run lengths: (count, index), or (0, code) for the end of a row, the end of the picture, a jump, or indices as they are.
/// Pixels that are never named have the first colour.
static px_status read_runs(px_input input, const bmp_header *header, uint8_t *pixels, px_reason *reason) {
    uint8_t palette[256][3];
    read_palette(input, header, palette);
    for (int64_t i = 0; i < header->width * header->height; i++) put(palette, 0, pixels + 3 * i);

    bool is_half_bytes = header->compression == rle4;
    size_t offset = header->data;
    int64_t x = 0, stored = 0;
    while (input.count - offset >= 2) {
        uint32_t count = input.bytes[offset], code = input.bytes[offset + 1];
        offset += 2;
        bool is_literal = count == 0 && code > 2;
        if (count == 0 && code == 0) {
            x = 0, stored++;
        } else if (count == 0 && code == 1) {
            return PX_OK;
        } else if (count == 0 && code == 2) {
            if (input.count - offset < 2) break;
            x += input.bytes[offset], stored += input.bytes[offset + 1];
            offset += 2;
        } else {
            uint32_t length = is_literal ? code : count;
            const uint8_t *source = input.bytes + offset;
            size_t bytes = !is_literal ? 0 : is_half_bytes ? (length + 1) / 2 : length;
            if (bytes > input.count - offset) break;
            for (uint32_t i = 0; i < length && stored < header->height && x < header->width; i++, x++) {
                uint32_t byte = is_literal ? source[is_half_bytes ? i / 2 : i] : code;
                uint32_t index = !is_half_bytes ? byte : i % 2 == 0 ? byte >> 4 : byte & 15;
                put(palette, index, row_of(header, stored, pixels) + 3 * x);
            }
            offset += bytes + bytes % 2;
            if (offset > input.count) break;
        }
        if (stored >= header->height) return PX_OK;
    }
    // Some writers leave the end mark out.
    bool is_full = stored == header->height - 1 && x == header->width;
    return is_full ? PX_OK : px_fail_truncated(reason, input);
}

px_status px_decode_bmp(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    (void)info;
    (void)channels;  // 3 is all that its info offers
    bmp_header header = {0};
    px_status status = read_header(input, &header, reason);
    if (status == PX_OK) status = read_masks(input, px_little32(input.bytes + 14), &header, reason);
    if (status != PX_OK) return status;
    if (header.compression == rle8 || header.compression == rle4) return read_runs(input, &header, pixels, reason);
    if (header.depth <= 8) {
        read_indexed(input, &header, pixels);
    } else {
        read_direct(input, &header, pixels);
    }
    return PX_OK;
}
