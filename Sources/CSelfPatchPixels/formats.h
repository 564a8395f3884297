// What the decoders of this target share; not seen by Swift.
#pragma once
#include "decode.h"

typedef struct {
    const uint8_t *bytes;
    size_t count;
} px_input;

// One pair a format; `px_probe` and `px_decode` in decode.c choose among them. The meaning of the arguments is told in
// include/decode.h. A prober may leave alpha, color and orientation as they are (0, 0, 1) where the format has none.
typedef px_status px_prober(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason);
typedef px_status px_decoder(
    px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason);

px_prober px_probe_jpeg, px_probe_png, px_probe_webp, px_probe_bmp, px_probe_tiff, px_probe_gif;
px_decoder px_decode_jpeg, px_decode_png, px_decode_webp, px_decode_bmp, px_decode_tiff, px_decode_gif;

/// What `px_decode_indices` does once it has looked at the header.
px_status px_decode_png_indices(px_input input, const px_info *info, uint8_t *indices, px_reason *reason);

/// Writes the reason and returns the status, so that a decoder can `return px_fail(...)`.
__attribute__((format(printf, 3, 4)))
px_status px_fail(px_reason *reason, px_status status, const char *format, ...);

/// The usual sentence for a file that stops in the middle.
px_status px_fail_truncated(px_reason *reason, px_input input);

/// Refuses empty pictures and those with more pixels than `pixel_limit`, or more samples than eight bytes a pixel hold.
///
/// Every prober calls it as soon as it knows the size, before a library allocates rows for it.
__attribute__((warn_unused_result))
px_status px_check_size(const px_info *info, int64_t pixel_limit, px_reason *reason);

/// The orientation (1 to 8) of an EXIF block, with or without its "Exif" prefix; 1 for whatever is damaged.
int px_exif_orientation(const uint8_t *bytes, size_t count);

/// One row of cyan, magenta, yellow, black as ink (255 is full) to red, green, blue, without colour profiles.
void px_cmyk_to_rgb(const uint8_t *cmyk, int64_t count, uint8_t *rgb);

static inline uint32_t px_little16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

static inline uint32_t px_little32(const uint8_t *bytes) {
    return px_little16(bytes) | px_little16(bytes + 2) << 16;
}

static inline uint32_t px_big32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}
