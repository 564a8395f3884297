// PNG by libpng. Comments, profiles and gamma are not even unpacked.
#include "formats.h"

#include <png.h>
#include <string.h>

typedef struct {
    png_structp png;
    png_infop info;
    px_input input;
    size_t offset;
    px_reason *reason;
    px_status status;
} session;

_Noreturn static void on_error(png_structp png, png_const_charp message) {
    session *self = png_get_error_ptr(png);
    if (self->status == PX_OK) {
        if (strstr(message, "Not enough image data") != NULL) {
            self->status = px_fail(self->reason, PX_TRUNCATED, "has fewer rows than its header says");
        } else if (strstr(message, "emory") != NULL) {
            self->status = px_fail(self->reason, PX_NO_MEMORY, "needs more memory than there is");
        } else {
            self->status = px_fail(self->reason, PX_CORRUPT, "is a damaged PNG (%s)", message);
        }
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep target, size_t count) {
    session *self = png_get_io_ptr(png);
    if (count > self->input.count - self->offset) {
        self->status = px_fail_truncated(self->reason, self->input);
        png_error(png, "");
    }
    memcpy(target, self->input.bytes + self->offset, count);
    self->offset += count;
}

// The header is read by hand: it is the same for every PNG, and three lines are safer than a library's state.

enum { signature_length = 8, header_length = 13, chunk_overhead = 12 };

typedef struct {
    bool has_palette_alpha;
    bool has_data;
    int orientation;
} chunk_summary;

/// Steps from chunk to chunk, by their lengths, without unpacking any.
static chunk_summary summarize_chunks(px_input input) {
    chunk_summary summary = {.orientation = 1};
    size_t offset = signature_length;
    while (input.count - offset >= chunk_overhead) {
        size_t length = px_big32(input.bytes + offset);
        const uint8_t *type = input.bytes + offset + 4;
        size_t rest = input.count - offset - chunk_overhead;
        if (memcmp(type, "IDAT", 4) == 0) summary.has_data = true;
        if (length > rest) break;
        if (memcmp(type, "tRNS", 4) == 0) summary.has_palette_alpha = true;
        if (memcmp(type, "eXIf", 4) == 0) summary.orientation = px_exif_orientation(type + 4, length);
        offset += length + chunk_overhead;
    }
    return summary;
}

px_status px_probe_png(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    const size_t end = signature_length + header_length + chunk_overhead;
    if (input.count < end) return px_fail_truncated(reason, input);
    const uint8_t *header = input.bytes + signature_length;
    if (px_big32(header) != header_length || memcmp(header + 4, "IHDR", 4) != 0) {
        return px_fail(reason, PX_CORRUPT, "is a damaged PNG (no header)");
    }
    info->width = px_big32(header + 8);
    info->height = px_big32(header + 12);
    uint8_t bit_depth = header[16], color_type = header[17];
    info->indexed = bit_depth <= 8 && (color_type == PNG_COLOR_TYPE_GRAY || color_type == PNG_COLOR_TYPE_PALETTE);
    chunk_summary chunks = summarize_chunks(input);
    info->orientation = chunks.orientation;
    switch (color_type) {
        case PNG_COLOR_TYPE_GRAY: info->samples = info->color = 1; break;
        case PNG_COLOR_TYPE_RGB: info->samples = info->color = 3; break;
        case PNG_COLOR_TYPE_PALETTE:
            info->alpha = chunks.has_palette_alpha;
            info->color = 3;
            info->samples = 3 + info->alpha;
            break;
        case PNG_COLOR_TYPE_GRAY_ALPHA: info->color = 1, info->alpha = 1, info->samples = 2; break;
        case PNG_COLOR_TYPE_RGB_ALPHA: info->color = 3, info->alpha = 1, info->samples = 4; break;
        default: return px_fail(reason, PX_CORRUPT, "is a damaged PNG (colour type %d)", color_type);
    }
    px_status status = px_check_size(info, pixel_limit, reason);
    if (status == PX_OK && !chunks.has_data) {
        bool has_end = memcmp(input.bytes + input.count - 8, "IEND", 4) == 0;
        return has_end ? px_fail(reason, PX_CORRUPT, "is a PNG without picture data")
                       : px_fail_truncated(reason, input);
    }
    return status;
}

/// What the caller wants: `channels` of colour, or the stored numbers where that is 0.
static void read_rows(session *self, const px_info *info, int channels, uint8_t *pixels) {
    png_structp png = self->png;
    const bool as_stored = channels == 0;
    png_set_read_fn(png, self, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Of chunks that are not needed for the pixels, nothing is kept (a comment may unpack to gigabytes), and their
    // checksums do not matter; those of the picture data do.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_QUIET_USE);
    png_read_info(png, self->info);

    png_set_packing(png);
    if (!as_stored) {
        png_set_scale_16(png);
        png_byte color_type = png_get_color_type(png, self->info);
        if (color_type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
        if (color_type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
        if (info->alpha == 1 && channels == info->samples) {
            png_set_tRNS_to_alpha(png);
        } else {
            png_set_strip_alpha(png);
        }
    }
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, self->info);

    size_t stride = (size_t)info->width * (size_t)(as_stored ? 1 : channels);
    if (png_get_rowbytes(png, self->info) != stride) png_error(png, "rows of another length than the header says");
    for (int pass = 0; pass < passes; pass++) {
        for (int64_t row = 0; row < info->height; row++) png_read_row(png, pixels + row * stride, NULL);
    }
    // What follows the last row is of no interest, nor whether it is there.
}

/// Where failures inside the library come back to; nothing in this frame changes between the two returns.
static void run(session *self, const px_info *info, int channels, uint8_t *pixels) {
    if (setjmp(png_jmpbuf(self->png)) == 0) read_rows(self, info, channels, pixels);
}

static px_status decode(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    session self = {.input = input, .reason = reason};
    self.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    if (self.png != NULL) self.info = png_create_info_struct(self.png);
    if (self.info == NULL) {
        png_destroy_read_struct(&self.png, NULL, NULL);
        return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    }
    run(&self, info, channels, pixels);
    png_destroy_read_struct(&self.png, &self.info, NULL);
    return self.status;
}

px_status px_decode_png(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    return decode(input, info, channels, pixels, reason);
}

px_status px_decode_png_indices(px_input input, const px_info *info, uint8_t *indices, px_reason *reason) {
    return decode(input, info, 0, indices, reason);
}
