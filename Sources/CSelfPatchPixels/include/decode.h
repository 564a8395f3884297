// Image files in memory to pixels. Nothing here opens files, prints, exits or keeps state: every function may be called
// from any number of threads at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a file is, told by its first bytes and never by its name.
typedef enum {
    PX_UNKNOWN = 0,
    PX_JPEG,
    PX_PNG,
    PX_WEBP,
    PX_BMP,
    PX_TIFF,
    PX_GIF,
} px_format;

typedef enum {
    PX_OK = 0,
    PX_EMPTY,         ///< no bytes at all
    PX_TRUNCATED,     ///< the file ends before the picture does
    PX_CORRUPT,       ///< the bytes contradict the format
    PX_UNSUPPORTED,   ///< a picture, but of a kind that is not read here
    PX_TOO_LARGE,     ///< more pixels or samples than the caller allows
    PX_NOT_AN_IMAGE,  ///< something else under an image's name
    PX_NO_MEMORY,
} px_status;

/// What the header says, read without unpacking anything.
typedef struct {
    px_format format;
    /// Size as stored; orientations 5 to 8 exchange the sides of the upright picture.
    int64_t width, height;
    /// Channels in the file, alpha included; a palette counts as the 3 (or, with transparency, 4) that it stands for.
    int samples;
    /// How many of them, the last ones, are alpha: 0 or 1.
    int alpha;
    /// 1: grey, 3: can be read as red, green, blue; 0: channels without a meaning known here.
    int color;
    /// EXIF's orientation, 1 (upright) to 8.
    int orientation;
    /// Whether the file stores one number of at most 8 bits a pixel, grey or a place in a palette; known of PNG alone.
    bool indexed;
} px_info;

/// Why something failed: a few words that follow "file name: ", without a full stop.
typedef struct {
    char text[200];
} px_reason;

/// The file's format and size. Nothing is unpacked, and nothing larger than the header is allocated.
///
/// - Parameter pixel_limit: refuses more pixels than this, and more than eight bytes of samples for each of these
///   pixels, with PX_TOO_LARGE. `info` is then filled all the same as far as it is known.
__attribute__((warn_unused_result))
px_status px_probe(const uint8_t *bytes, size_t count, int64_t pixel_limit, px_info *info, px_reason *reason);

/// Unpacks the picture as it is stored (not turned), 8 bits a channel, interleaved, rows from the top, without padding.
///
/// 16 bits are scaled by 255/65535, palettes looked up, CMYK turned into RGB, alpha left out unless asked for.
///
/// - Parameters:
///   - info: what `px_probe` said about the same bytes.
///   - channels: `info->color`, or `info->samples`, or `info->samples - info->alpha`; the last two give the channels as
///     they are stored.
///   - pixels: room for `info->width * info->height * channels` bytes. After a failure its content is unspecified.
__attribute__((warn_unused_result))
px_status px_decode(
    const uint8_t *bytes, size_t count, const px_info *info, int channels, uint8_t *pixels, px_reason *reason);

/// Unpacks the numbers that an indexed PNG (`info->indexed`) stores, one byte a pixel: places in its palette, or grey levels of
/// 1, 2, 4 or 8 bits as they are and not scaled. Not turned.
///
/// - Parameter indices: room for `info->width * info->height` bytes.
__attribute__((warn_unused_result))
px_status px_decode_indices(
    const uint8_t *bytes, size_t count, const px_info *info, uint8_t *indices, px_reason *reason);

/// Turns a picture upright by an EXIF orientation; 5 to 8 exchange the sides.
///
/// - Parameters:
///   - width, height: of the source.
///   - target: another buffer of the same size.
void px_turn(
    const uint8_t *source, int64_t width, int64_t height, int channels, int orientation, uint8_t *target);

/// Luma with the weights of ITU-R 601 in 16-bit fixed point: (19595 R + 38470 G + 7471 B + 32768) >> 16.
void px_rgb_to_grey(const uint8_t *rgb, int64_t count, uint8_t *grey);

/// Three equal channels.
void px_grey_to_rgb(const uint8_t *grey, int64_t count, uint8_t *rgb);

/// Sum and sum of squares of each channel over `count` pixels; `sums` and `squares` have `channels` places.
void px_sums(const uint8_t *pixels, int64_t count, int channels, double *sums, double *squares);

/// Bytes made by one of the writers below; to be given back with `px_free`.
typedef struct {
    uint8_t *bytes;
    size_t count;
} px_bytes;

/// A PNG file of 8-bit pixels: 1 channel (grey) or 3 (RGB), interleaved.
__attribute__((warn_unused_result))
px_status px_write_png(
    const uint8_t *pixels, int64_t width, int64_t height, int channels, px_bytes *file, px_reason *reason);

/// A PNG file of numbers that are places in a palette of 256 colours, `[256, 3]` red, green, blue; 8 bits a pixel.
__attribute__((warn_unused_result))
px_status px_write_indexed_png(
    const uint8_t *indices, int64_t width, int64_t height, const uint8_t *palette, px_bytes *file, px_reason *reason);

/// A JPEG file of 8-bit pixels: 1 channel (grey) or 3 (RGB), interleaved; chroma at half size, quality from 1 to 100.
__attribute__((warn_unused_result))
px_status px_write_jpeg(
    const uint8_t *pixels, int64_t width, int64_t height, int channels, int quality, px_bytes *file,
    px_reason *reason);

void px_free(px_bytes file);
