// Pixel kernels of the multi-crop augmentation, for 8-bit pictures.
//
// Decoded pictures are interleaved (`[height, width, channels]`), views are planar (`[channels, height, width]`). The
// arithmetic is whole numbers and single IEEE operations, so every processor gives the same bytes. Beside each fast
// kernel stands a plain one (`px_plain_...`) that defines it: tests hold both against each other.
//
// Nothing here allocates but the plain versions; nothing keeps state but `px_limit_vector_bits`.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Bits of the vectors that the kernels use on this processor: 128, 256 or 512.
int px_vector_bits(void);

/// Holds the kernels to vectors of at most so many bits, in the whole process. For tests and measurements.
void px_limit_vector_bits(int bits);

// ---- resize: a = -1/2 bicubic, widened when shrinking; horizontal pass first, 8 bits between the passes ----

/// Bytes of memory that `px_resize` needs for such a resize.
size_t px_resize_scratch(int box_height, int box_width, int channels, int height, int width);

/// Resizes a rectangle of an interleaved picture into planes. Pixels outside the rectangle are never read.
///
/// - Parameters:
///   - box: the rectangle's first byte.
///   - row_bytes: from one row of the picture to the next.
///   - flipped: 1 writes the columns in reverse order.
///   - planes: `[channels, height, width]`.
///   - scratch: `px_resize_scratch` bytes, at a multiple of 64.
void px_resize(
    const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped, uint8_t *planes,
    int height, int width, void *scratch);

/// What `px_resize` means, tap by tap.
void px_plain_resize(
    const uint8_t *box, ptrdiff_t row_bytes, int box_height, int box_width, int channels, int flipped, uint8_t *planes,
    int height, int width);

// ---- resize as OpenCV's INTER_LINEAR does it for 8-bit pixels ----

/// Numbers of memory that `px_resize_linear` needs for such a width.
size_t px_resize_linear_scratch(int channels, int width);

/// Resizes an interleaved picture into planes, bilinearly and without widening when shrinking: weights of 11 bits, and the
/// rounding of OpenCV's two passes. A picture of just twice the height and width becomes the means of 2 x 2 pixels, as there.
///
/// - Parameters:
///   - source: `[source_height, source_width, channels]`.
///   - planes: `[channels, height, width]`.
void px_resize_linear(
    const uint8_t *source, int source_height, int source_width, int channels, uint8_t *planes, int height, int width,
    int32_t *scratch);

// ---- color ----

typedef enum {
    PX_BRIGHTNESS,  ///< amount: factor
    PX_CONTRAST,    ///< amount: factor; around the rounded mean luma of the whole view as it is at that moment
    PX_SATURATION,  ///< amount: factor; around each pixel's luma
    PX_HUE,         ///< amount: shift in turns, -0.5 to 0.5
    PX_GREYSCALE,   ///< luma in all three planes
    PX_SOLARIZE,    ///< 128 and more become 255 - x
} px_color_kind;

typedef struct {
    px_color_kind kind;
    double amount;
} px_color_step;

/// Applies the steps in their order to planes of `pixels` bytes each, in place, in one pass through memory (one more for
/// each contrast). With 1 channel saturation, hue and greyscale change nothing. Other numbers than 1 and 3 are an error
/// of the caller.
void px_color(uint8_t *planes, size_t pixels, int channels, const px_color_step *steps, int count);

/// What `px_color` means, one step and one pixel after the other.
void px_plain_color(uint8_t *planes, size_t pixels, int channels, const px_color_step *steps, int count);

// ---- photometric distortion, for dense heads ----

/// Every level becomes factor * level + offset, cut to 0 ... 255, without its fraction. `count` bytes in place.
void px_linear_levels(uint8_t *planes, size_t count, float factor, float offset);

/// Multiplies the saturation of HSV, cut to 1, and turns the hue, in three planes of `pixels` bytes, in place.
///
/// - Parameter hue: in turns; any number.
void px_hue_saturation(uint8_t *planes, size_t pixels, float saturation, float hue);

// ---- blur: three box passes of fractional width along the rows, three along the columns, 8 bits after each ----

/// Bytes of memory that `px_blur` needs.
size_t px_blur_scratch(int height, int width);

/// Blurs each plane in place; border pixels are repeated at each pass.
///
/// - Parameters:
///   - radius: the deviation of the Gaussian that the six passes stand for, in pixels; 0 changes nothing.
///   - scratch: `px_blur_scratch` bytes, at a multiple of 64.
void px_blur(uint8_t *planes, int channels, int height, int width, float radius, void *scratch);

/// What `px_blur` means.
void px_plain_blur(uint8_t *planes, int channels, int height, int width, float radius);

// ---- planes ----

/// Reverses the columns of each plane, in place.
void px_flip(uint8_t *planes, int channels, int height, int width);

/// An interleaved picture as planes.
void px_to_planes(const uint8_t *pixels, size_t count, int channels, uint8_t *planes);

/// Planes as an interleaved picture.
void px_from_planes(const uint8_t *planes, size_t count, int channels, uint8_t *pixels);

/// (x / 255 - mean) / deviation for each plane, in float32; `mean` and `deviation` have `channels` places.
void px_normalize(
    const uint8_t *planes, size_t pixels, int channels, const float *mean, const float *deviation, float *normalized);
