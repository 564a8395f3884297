// Which format a file has, and the way to its decoder.
#include "formats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

px_status px_fail(px_reason *reason, px_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
    return status;
}

px_status px_fail_truncated(px_reason *reason, px_input input) {
    return px_fail(reason, PX_TRUNCATED, "ends after %zu bytes, before the picture is complete", input.count);
}

px_status px_check_size(const px_info *info, int64_t pixel_limit, px_reason *reason) {
    long long width = info->width, height = info->height;
    if (width <= 0 || height <= 0) {
        return px_fail(reason, PX_CORRUPT, "has a size of %lld x %lld pixels", width, height);
    }
    if (width > pixel_limit / height) {
        double count = (double)width * (double)height;
        return px_fail(
            reason, PX_TOO_LARGE, "has %lld x %lld = %.0f pixels, the limit is %lld", width, height, count,
            (long long)pixel_limit);
    }
    if (info->samples > 8 && info->samples * (width * height) / 8 > pixel_limit) {
        return px_fail(
            reason, PX_TOO_LARGE, "has %lld x %lld pixels of %d channels, the limit is %lld bytes", width, height,
            info->samples, 8 * (long long)pixel_limit);
    }
    return PX_OK;
}

void px_cmyk_to_rgb(const uint8_t *cmyk, int64_t count, uint8_t *rgb) {
    for (int64_t i = 0; i < count; i++) {
        uint32_t light = 255u - cmyk[4 * i + 3];
        for (int channel = 0; channel < 3; channel++) {
            uint32_t product = cmyk[4 * i + channel] * light + 128;  // divided by 255 and rounded, exactly
            rgb[3 * i + channel] = (uint8_t)(light - ((product + (product >> 8)) >> 8));
        }
    }
}

// Signatures

static bool starts_with(px_input input, size_t offset, const char *signature, size_t length) {
    return input.count >= offset + length && memcmp(input.bytes + offset, signature, length) == 0;
}

#define STARTS(text) starts_with(input, 0, text, sizeof(text) - 1)
#define HAS(offset, text) starts_with(input, offset, text, sizeof(text) - 1)

static px_format format_of(px_input input) {
    if (STARTS("\xFF\xD8\xFF")) return PX_JPEG;
    if (STARTS("\x89PNG\r\n\x1A\n")) return PX_PNG;
    if (STARTS("RIFF") && HAS(8, "WEBP")) return PX_WEBP;
    if (STARTS("II*\0") || STARTS("MM\0*") || STARTS("II+\0") || STARTS("MM\0+")) return PX_TIFF;
    if (STARTS("GIF87a") || STARTS("GIF89a")) return PX_GIF;
    // Two letters are little; the header's own size, which follows at 14, has to be one that exists.
    if (STARTS("BM")) {
        if (input.count < 18) return PX_BMP;
        uint32_t header = px_little32(input.bytes + 14);
        if (header >= 12 && header <= 124) return PX_BMP;
    }
    return PX_UNKNOWN;
}

/// A file shorter than a signature whose bytes agree with it as far as they go.
static px_format beginning_of(px_input input) {
    static const struct {
        px_format format;
        const char *signature;
        size_t length;
    } signatures[] = {
        {PX_JPEG, "\xFF\xD8\xFF", 3}, {PX_PNG, "\x89PNG\r\n\x1A\n", 8}, {PX_GIF, "GIF87a", 6}, {PX_GIF, "GIF89a", 6},
        {PX_TIFF, "II*\0", 4},        {PX_TIFF, "MM\0*", 4},
    };
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (input.count >= 2 && input.count < signatures[i].length
            && memcmp(input.bytes, signatures[i].signature, input.count) == 0) {
            return signatures[i].format;
        }
    }
    return STARTS("RIFF") && input.count < 12 ? PX_WEBP : PX_UNKNOWN;
}

/// A name for what is a picture but not one that is read here; NULL for everything else.
static const char *unsupported_kind(px_input input) {
    if (HAS(4, "ftyp")) {
        if (HAS(8, "avif") || HAS(8, "avis")) return "AVIF";
        if (HAS(8, "heic") || HAS(8, "heix") || HAS(8, "hevc") || HAS(8, "mif1") || HAS(8, "msf1")) return "HEIC";
    }
    if (STARTS("\0\0\0\x0CjP  \r\n\x87\n") || STARTS("\xFF\x4F\xFF\x51")) return "JPEG 2000";
    if (STARTS("\0\0\0\x0CJXL \r\n\x87\n") || STARTS("\xFF\x0A")) return "JPEG XL";
    if (input.count > 2 && input.bytes[0] == 'P' && input.bytes[1] >= '1' && input.bytes[1] <= '7'
        && memchr(" \t\r\n#", input.bytes[2], 5) != NULL) {
        return "portable pixmap";
    }
    if (STARTS("8BPS")) return "Photoshop";
    if (STARTS("\x76\x2F\x31\x01")) return "OpenEXR";
    if (STARTS("SIMPLE  =")) return "FITS";
    if (STARTS("DDS ")) return "DDS";
    if (STARTS("qoif")) return "QOI";
    if (STARTS("\0\0\1\0")) return "icon";
    if (input.count >= 44 && HAS(input.count - 18, "TRUEVISION-XFILE.")) return "Targa";
    return NULL;
}

/// Whether the text begins as a vector drawing does, after a declaration and comments perhaps.
static bool is_svg(px_input input) {
    if (input.count == 0 || (input.bytes[0] != '<' && input.bytes[0] != 0xEF)) return false;
    size_t last = input.count < 1024 ? input.count : 1024;
    for (size_t i = 0; i + 4 < last; i++) {
        if (memcmp(input.bytes + i, "<svg", 4) == 0) return true;
    }
    return false;
}

static const char *foreign_kind(px_input input) {
    if (STARTS("%PDF")) return "a PDF document";
    if (STARTS("version https://git-lfs")) return "a Git LFS pointer; run `git lfs pull`";
    if (STARTS("<!DOCTYPE html") || STARTS("<!doctype html") || STARTS("<html")) return "a web page";
    if (STARTS("PK\3\4")) return "a zip archive";
    if (STARTS("\x1F\x8B")) return "a gzip archive";
    if (STARTS("RIFF")) return "a RIFF file of sound or video";
    if (HAS(4, "ftyp")) return "a video";
    return NULL;
}

static px_status fail_unknown(px_input input, px_reason *reason) {
    const char *kind = unsupported_kind(input);
    if (kind == NULL && is_svg(input)) kind = "SVG";
    if (kind != NULL) {
        return px_fail(
            reason, PX_UNSUPPORTED, "is a picture in %s format, which is not read; convert it to JPEG or PNG", kind);
    }
    kind = foreign_kind(input);
    if (kind != NULL) return px_fail(reason, PX_NOT_AN_IMAGE, "is not an image but %s", kind);

    size_t start = 0;
    while (start < input.count && start < 64 && memchr(" \t\r\n", input.bytes[start], 4) != NULL) start++;
    px_input rest = {input.bytes + start, input.count - start};
    if (start > 0 && format_of(rest) != PX_UNKNOWN) {
        return px_fail(reason, PX_CORRUPT, "has %zu foreign bytes before the start of the picture", start);
    }
    size_t zeros = 0;
    while (zeros < input.count && input.bytes[zeros] == 0) zeros++;
    if (zeros == input.count) {
        return px_fail(reason, PX_NOT_AN_IMAGE, "is not an image: all of its %zu bytes are zero", input.count);
    }
    return px_fail(
        reason, PX_NOT_AN_IMAGE, "does not begin as any image does (JPEG, PNG, WebP, BMP, TIFF and GIF are read)");
}

// Dispatch

px_status px_probe(const uint8_t *bytes, size_t count, int64_t pixel_limit, px_info *info, px_reason *reason) {
    px_input input = {bytes, count};
    const int64_t most = (int64_t)1 << 40;  // far beyond any memory, and products with channel counts still fit
    if (pixel_limit > most) pixel_limit = most;
    *info = (px_info){.format = PX_UNKNOWN, .orientation = 1};
    reason->text[0] = 0;
    if (count == 0) return px_fail(reason, PX_EMPTY, "is empty (0 bytes)");

    info->format = format_of(input);
    px_prober *prober = NULL;
    switch (info->format) {
        case PX_JPEG: prober = px_probe_jpeg; break;
        case PX_PNG: prober = px_probe_png; break;
        case PX_WEBP: prober = px_probe_webp; break;
        case PX_BMP: prober = px_probe_bmp; break;
        case PX_TIFF: prober = px_probe_tiff; break;
        case PX_GIF: prober = px_probe_gif; break;
        case PX_UNKNOWN:
            info->format = beginning_of(input);
            if (info->format != PX_UNKNOWN) return px_fail_truncated(reason, input);
            return fail_unknown(input, reason);
    }
    px_status status = prober(input, pixel_limit, info, reason);
    return status == PX_OK ? px_check_size(info, pixel_limit, reason) : status;
}

px_status px_decode(
    const uint8_t *bytes, size_t count, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    px_input input = {bytes, count};
    reason->text[0] = 0;
    switch (info->format) {
        case PX_JPEG: return px_decode_jpeg(input, info, channels, pixels, reason);
        case PX_PNG: return px_decode_png(input, info, channels, pixels, reason);
        case PX_WEBP: return px_decode_webp(input, info, channels, pixels, reason);
        case PX_BMP: return px_decode_bmp(input, info, channels, pixels, reason);
        case PX_TIFF: return px_decode_tiff(input, info, channels, pixels, reason);
        case PX_GIF: return px_decode_gif(input, info, channels, pixels, reason);
        case PX_UNKNOWN: break;
    }
    return fail_unknown(input, reason);
}

px_status px_decode_indices(
    const uint8_t *bytes, size_t count, const px_info *info, uint8_t *indices, px_reason *reason) {
    px_input input = {bytes, count};
    reason->text[0] = 0;
    if (!info->indexed) return px_fail(reason, PX_UNSUPPORTED, "holds no numbers of at most 8 bits a pixel");
    return px_decode_png_indices(input, info, indices, reason);
}
