// TIFF by libtiff: the first page; strips, tiles, planes, any number of channels of up to 16 bits.
#include "formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

// libtiff on memory

typedef struct {
    px_input input;
    uint64_t offset;
    bool has_run_out;
    char message[120];  // the first of its errors
} tiff_source;

static tmsize_t on_read(thandle_t handle, void *target, tmsize_t count) {
    tiff_source *self = handle;
    uint64_t rest = self->offset < self->input.count ? self->input.count - self->offset : 0;
    uint64_t available = (uint64_t)count < rest ? (uint64_t)count : rest;
    if (available < (uint64_t)count) self->has_run_out = true;
    if (available > 0) memcpy(target, self->input.bytes + self->offset, available);
    self->offset += available;
    return (tmsize_t)available;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t count) {
    (void)handle, (void)bytes, (void)count;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int origin) {
    tiff_source *self = handle;
    uint64_t start = origin == SEEK_CUR ? self->offset : origin == SEEK_END ? self->input.count : 0;
    self->offset = start + offset;
    return self->offset;
}

static int on_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle) { return ((tiff_source *)handle)->input.count; }

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff, (void)module;
    tiff_source *self = user;
    if (self->message[0] == 0) vsnprintf(self->message, sizeof self->message, format, arguments);
    return 1;  // nothing goes to standard error
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
    return 1;
}

/// - Parameter pixels: no single block that libtiff allocates may be larger than 16 bytes for each of these, or 256 MiB.
static TIFF *open_tiff(tiff_source *source, int64_t pixels) {
    const int64_t least = 1 << 28;
    int64_t memory_limit = pixels > INT64_MAX / 16 ? INT64_MAX : pixels < least / 16 ? least : 16 * pixels;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, source);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, source);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, memory_limit);
    // "m": no mapping, which would hand out pointers into the caller's memory.
    TIFF *tiff = TIFFClientOpenExt(
        "image", "rm", source, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static px_status fail(const tiff_source *source, px_reason *reason) {
    if (source->has_run_out) return px_fail_truncated(reason, source->input);
    const char *message = source->message[0] != 0 ? source->message : "no directory";
    return px_fail(reason, PX_CORRUPT, "is a damaged TIFF (%s)", message);
}

// What the directory says

typedef struct {
    uint32_t width, height;
    uint16_t samples, bits, format, photometric, planes, compression;
    bool is_tiled, is_last_alpha;
} directory;

static void read_directory(TIFF *tiff, directory *page) {
    *page = (directory){0};
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page->planes);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page->compression);
    page->is_tiled = TIFFIsTiled(tiff);
    uint16_t extra_count = 0, *extras = NULL;
    if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extras) && extra_count > 0) {
        uint16_t last = extras[extra_count - 1];
        page->is_last_alpha = last == EXTRASAMPLE_ASSOCALPHA || last == EXTRASAMPLE_UNASSALPHA;
    }
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->photometric)) {
        page->photometric = page->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    }
}

/// Colour spaces that are left to libtiff's own conversion to red, green, blue.
static bool needs_conversion(const directory *page) {
    switch (page->photometric) {
        case PHOTOMETRIC_YCBCR: return page->compression != COMPRESSION_JPEG;
        case PHOTOMETRIC_CIELAB:
        case PHOTOMETRIC_LOGL:
        case PHOTOMETRIC_LOGLUV: return true;
        default: return false;
    }
}

static px_status describe(TIFF *tiff, const directory *page, px_info *info, px_reason *reason) {
    int samples = page->samples;
    info->samples = samples;
    info->alpha = page->is_last_alpha && samples > 1 ? 1 : 0;
    if (needs_conversion(page)) {
        char text[1024];
        if (!TIFFRGBAImageOK(tiff, text)) {
            return px_fail(reason, PX_UNSUPPORTED, "is a TIFF of a rare kind (%.100s)", text);
        }
        info->samples = info->color = 3;
        info->alpha = 0;
        return PX_OK;
    }
    switch (page->photometric) {
        case PHOTOMETRIC_MINISWHITE:
        case PHOTOMETRIC_MINISBLACK: {
            int visible = samples - info->alpha;
            info->color = visible == 1 ? 1 : visible == 3 ? 3 : 0;
            break;
        }
        case PHOTOMETRIC_RGB:
        case PHOTOMETRIC_YCBCR: info->color = samples >= 3 ? 3 : 0; break;
        case PHOTOMETRIC_SEPARATED: info->color = samples >= 4 ? 3 : 0; break;
        case PHOTOMETRIC_PALETTE: info->color = info->samples = 3, info->alpha = 0; break;
        default: info->color = 0;
    }
    if (page->format != SAMPLEFORMAT_UINT && page->format != SAMPLEFORMAT_VOID) {
        const char *kind = page->format == SAMPLEFORMAT_IEEEFP ? "floating-point" : "signed or complex";
        return px_fail(
            reason, PX_UNSUPPORTED, "is a TIFF of %s numbers, of which nobody knows what white is; convert it to 8 or "
            "16 bits", kind);
    }
    bool is_palette = page->photometric == PHOTOMETRIC_PALETTE;
    if (page->bits < 1 || page->bits > 16 || (is_palette && (page->bits > 8 || samples != 1))) {
        return px_fail(
            reason, PX_UNSUPPORTED, "is a TIFF of %d bits a channel; up to 16 are read, convert it", page->bits);
    }
    if (!TIFFIsCODECConfigured(page->compression)) {
        return px_fail(reason, PX_UNSUPPORTED, "is a TIFF with compression %d, which is not read", page->compression);
    }
    return PX_OK;
}

/// Tiles are larger than the picture at its edges, and a file may claim any size for them.
static px_status check_tiles(TIFF *tiff, const directory *page, int64_t pixel_limit, px_reason *reason) {
    if (!page->is_tiled) return PX_OK;
    uint32_t width = 0, height = 0;
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
    px_info tile = {.width = width, .height = height, .samples = page->samples};
    return px_check_size(&tile, pixel_limit, reason);
}

px_status px_probe_tiff(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    if (input.count < 8) return px_fail_truncated(reason, input);
    tiff_source source = {.input = input};
    TIFF *tiff = open_tiff(&source, pixel_limit);
    if (tiff == NULL) return fail(&source, reason);
    directory page;
    read_directory(tiff, &page);
    info->width = page.width;
    info->height = page.height;
    info->samples = page.samples;
    px_status status = px_check_size(info, pixel_limit, reason);
    if (status == PX_OK) status = check_tiles(tiff, &page, pixel_limit, reason);
    if (status == PX_OK) status = describe(tiff, &page, info, reason);
    uint16_t orientation = 1;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    info->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    TIFFClose(tiff);
    return status;
}

// Pixels

/// Where the samples of a page go: `kept` of each pixel, side by side.
typedef struct {
    uint8_t *pixels;
    int64_t width, height;
    int kept;
    bool is_indexed;  // samples are places in a palette and must not be scaled
} canvas;

/// One row of a strip or tile onto the canvas.
///
/// - Parameters:
///   - row: `count` pixels of `samples` samples of `bits` bits, the highest bit first, 16 bits in the machine's order.
///   - target: where the first sample of the first pixel goes; the next pixel lies `canvas.kept` bytes further.
///   - taken: how many samples of each pixel are wanted, from its first.
static void place_row(
    const uint8_t *row, int64_t count, int samples, int bits, const canvas *canvas, uint8_t *target, int taken) {
    int step = canvas->kept;
    if (bits == 8 && samples == taken && taken == step) {
        memcpy(target, row, (size_t)(count * step));
    } else if (bits == 8) {
        for (int64_t i = 0; i < count; i++) {
            for (int s = 0; s < taken; s++) target[i * step + s] = row[i * samples + s];
        }
    } else if (bits == 16) {
        for (int64_t i = 0; i < count; i++) {
            for (int s = 0; s < taken; s++) {
                uint16_t value;
                memcpy(&value, row + 2 * (i * samples + s), 2);
                target[i * step + s] = (uint8_t)((value * 255u + 32895u) >> 16);  // divided by 257 and rounded
            }
        }
    } else {
        uint32_t most = (1u << bits) - 1;
        for (int64_t i = 0; i < count; i++) {
            for (int s = 0; s < taken; s++) {
                uint32_t value = 0;
                int64_t first = (i * samples + s) * bits;
                for (int64_t bit = first; bit < first + bits; bit++) {
                    value = value << 1 | (row[bit / 8] >> (7 - bit % 8) & 1u);
                }
                target[i * step + s] = (uint8_t)(canvas->is_indexed ? value : (value * 255 + most / 2) / most);
            }
        }
    }
}

static px_status read_tiles(TIFF *tiff, const directory *page, const canvas *canvas, uint8_t *buffer, tmsize_t size) {
    uint32_t tile_width = 0, tile_height = 0;
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
    bool is_separate = page->planes == PLANARCONFIG_SEPARATE;
    int samples = is_separate ? 1 : page->samples, taken = is_separate ? 1 : canvas->kept;
    tmsize_t stride = TIFFTileRowSize(tiff);
    for (int plane = 0; plane < (is_separate ? canvas->kept : 1); plane++) {
        for (int64_t top = 0; top < canvas->height; top += tile_height) {
            for (int64_t left = 0; left < canvas->width; left += tile_width) {
                uint32_t tile = TIFFComputeTile(tiff, (uint32_t)left, (uint32_t)top, 0, (uint16_t)plane);
                if (TIFFReadEncodedTile(tiff, tile, buffer, size) != size) return PX_CORRUPT;
                int64_t rows = canvas->height - top < tile_height ? canvas->height - top : tile_height;
                int64_t count = canvas->width - left < tile_width ? canvas->width - left : tile_width;
                for (int64_t row = 0; row < rows; row++) {
                    uint8_t *target = canvas->pixels + ((top + row) * canvas->width + left) * canvas->kept + plane;
                    place_row(buffer + row * stride, count, samples, page->bits, canvas, target, taken);
                }
            }
        }
    }
    return PX_OK;
}

static px_status read_strips(TIFF *tiff, const directory *page, const canvas *canvas, uint8_t *buffer, tmsize_t size) {
    uint32_t strip_height = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &strip_height);
    if (strip_height == 0) return PX_CORRUPT;
    bool is_separate = page->planes == PLANARCONFIG_SEPARATE;
    int samples = is_separate ? 1 : page->samples, taken = is_separate ? 1 : canvas->kept;
    tmsize_t stride = TIFFScanlineSize(tiff);
    for (int plane = 0; plane < (is_separate ? canvas->kept : 1); plane++) {
        for (int64_t top = 0; top < canvas->height; top += strip_height) {
            int64_t rows = canvas->height - top < strip_height ? canvas->height - top : strip_height;
            if (rows * stride > size) return PX_CORRUPT;
            uint32_t strip = TIFFComputeStrip(tiff, (uint32_t)top, (uint16_t)plane);
            if (TIFFReadEncodedStrip(tiff, strip, buffer, rows * stride) != rows * stride) return PX_CORRUPT;
            for (int64_t row = 0; row < rows; row++) {
                uint8_t *target = canvas->pixels + (top + row) * canvas->width * canvas->kept + plane;
                place_row(buffer + row * stride, canvas->width, samples, page->bits, canvas, target, taken);
            }
        }
    }
    return PX_OK;
}

/// The strips or tiles onto the canvas, through a buffer that holds one of them.
static px_status read_samples(
    TIFF *tiff, const directory *page, const canvas *canvas, tiff_source *source, px_reason *reason) {
    // Data that begin beyond the end were never there; those that end beyond it were cut off.
    int error = 0;
    if (TIFFGetStrileOffsetWithErr(tiff, 0, &error) >= source->input.count && error == 0) {
        return px_fail(reason, PX_CORRUPT, "is a damaged TIFF (its picture data lie outside the file)");
    }
    tmsize_t size = page->is_tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    tmsize_t stride = page->is_tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    bool is_separate = page->planes == PLANARCONFIG_SEPARATE;
    int samples = is_separate ? 1 : page->samples;
    uint32_t columns = page->width;
    if (page->is_tiled) TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &columns);
    // What `place_row` reads of a row must be there, whatever the library makes of subsampling and the like.
    if (size <= 0 || stride < ((int64_t)columns * samples * page->bits + 7) / 8) return fail(source, reason);
    uint8_t *buffer = calloc(1, (size_t)size);
    if (buffer == NULL) return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    px_status status = page->is_tiled ? read_tiles(tiff, page, canvas, buffer, size)
                                      : read_strips(tiff, page, canvas, buffer, size);
    free(buffer);
    return status == PX_OK ? PX_OK : fail(source, reason);
}

/// Palettes have 16 bits an entry; the upper eight count, unless some old program filled the lower ones alone.
static px_status look_up(TIFF *tiff, const uint8_t *indices, int64_t count, int bits, uint8_t *rgb, px_reason *reason) {
    uint16_t *maps[3] = {NULL, NULL, NULL};
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2])) {
        return px_fail(reason, PX_CORRUPT, "is a damaged TIFF (no palette)");
    }
    int shift = 0;
    for (int channel = 0; channel < 3; channel++) {
        for (int i = 0; i < 1 << bits; i++) {
            if (maps[channel][i] > 255) shift = 8;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        for (int channel = 0; channel < 3; channel++) {
            rgb[3 * i + channel] = (uint8_t)(maps[channel][indices[i]] >> shift);
        }
    }
    return PX_OK;
}

/// Colour spaces that libtiff converts by itself, at four bytes a pixel.
static px_status read_converted(
    TIFF *tiff, const px_info *info, tiff_source *source, uint8_t *pixels, px_reason *reason) {
    char text[1024] = "";
    TIFFRGBAImage image;
    if (!TIFFRGBAImageBegin(&image, tiff, 1, text)) return fail(source, reason);
    image.req_orientation = image.orientation;  // as stored: turned later, as pictures of all formats are
    size_t count = (size_t)info->width * (size_t)info->height;
    uint32_t *raster = calloc(count, sizeof *raster);
    px_status status = raster == NULL ? px_fail(reason, PX_NO_MEMORY, "needs more memory than there is") : PX_OK;
    if (status == PX_OK && !TIFFRGBAImageGet(&image, raster, image.width, image.height)) status = fail(source, reason);
    for (size_t i = 0; status == PX_OK && i < count; i++) {
        pixels[3 * i] = (uint8_t)TIFFGetR(raster[i]);
        pixels[3 * i + 1] = (uint8_t)TIFFGetG(raster[i]);
        pixels[3 * i + 2] = (uint8_t)TIFFGetB(raster[i]);
    }
    free(raster);
    TIFFRGBAImageEnd(&image);
    return status;
}

static px_status read_page(
    TIFF *tiff, const px_info *info, int channels, tiff_source *source, uint8_t *pixels, px_reason *reason) {
    directory page;
    read_directory(tiff, &page);
    if (needs_conversion(&page)) return read_converted(tiff, info, source, pixels, reason);
    if (page.photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);

    int64_t count = info->width * info->height;
    bool is_indexed = page.photometric == PHOTOMETRIC_PALETTE;
    bool is_ink = page.photometric == PHOTOMETRIC_SEPARATED && channels == 3;
    canvas canvas = {pixels, info->width, info->height, is_indexed ? 1 : is_ink ? 4 : channels, is_indexed};
    if (canvas.kept != channels) {
        canvas.pixels = malloc((size_t)(count * canvas.kept));
        if (canvas.pixels == NULL) return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    }
    px_status status = read_samples(tiff, &page, &canvas, source, reason);
    if (status == PX_OK && is_indexed) status = look_up(tiff, canvas.pixels, count, page.bits, pixels, reason);
    if (status == PX_OK && is_ink) px_cmyk_to_rgb(canvas.pixels, count, pixels);
    if (status == PX_OK && page.photometric == PHOTOMETRIC_MINISWHITE && channels == 1) {
        for (int64_t i = 0; i < count; i++) pixels[i] = 255 - pixels[i];
    }
    if (canvas.pixels != pixels) free(canvas.pixels);
    return status;
}

px_status px_decode_tiff(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    tiff_source source = {.input = input};
    TIFF *tiff = open_tiff(&source, info->width * info->height);
    if (tiff == NULL) return fail(&source, reason);
    px_status status = read_page(tiff, info, channels, &source, pixels, reason);
    TIFFClose(tiff);
    return status;
}
