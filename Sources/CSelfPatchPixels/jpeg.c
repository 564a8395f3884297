// JPEG by libjpeg-turbo: accurate transform, smooth chroma, the same bytes as everybody who uses this library.
#include "formats.h"

#include <setjmp.h>
#include <stdio.h>  // jpeglib.h needs it
#include <string.h>

#include <jpeglib.h>
// The list of message codes comes after the library's own header.
#include <jerror.h>

// Nobody's encoder makes more; a small file with thousands would keep a decoder busy for minutes.
static const int scan_limit = 100;

typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    px_input input;
    px_reason *reason;
    px_status status;
    bool is_header_read;
    bool has_run_out;
} session;

static session *session_of(j_common_ptr jpeg) { return jpeg->client_data; }

_Noreturn static void leave(session *self, px_status status) {
    self->status = status;
    longjmp(self->escape, 1);
}

static px_status status_of(int message) {
    switch (message) {
        case JERR_OUT_OF_MEMORY: return PX_NO_MEMORY;
        case JERR_ARITH_NOTIMPL:
        case JERR_BAD_PRECISION:
        case JERR_CCIR601_NOTIMPL:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_FRACT_SAMPLE_NOTIMPL:
        case JERR_NOT_COMPILED:
        case JERR_SOF_UNSUPPORTED: return PX_UNSUPPORTED;
        default: return PX_CORRUPT;
    }
}

_Noreturn static void on_error(j_common_ptr jpeg) {
    session *self = session_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    px_status status = status_of(jpeg->err->msg_code);
    // The one marker that the library does not know and that people do have: JPEG-LS.
    if (jpeg->err->msg_code == JERR_UNKNOWN_MARKER && jpeg->err->msg_parm.i[0] == 0xF7) status = PX_UNSUPPORTED;
    if (self->has_run_out && status == PX_CORRUPT) leave(self, px_fail_truncated(self->reason, self->input));
    const char *what = status == PX_UNSUPPORTED ? "is a JPEG of a rare kind" : "is a damaged JPEG";
    leave(self, px_fail(self->reason, status, "%s (%s)", what, text));
}

/// Warnings are passed over, as most programs do, but for two that together mean that data are lacking: the file has
/// ended, and the decoder asks for more than it has got. (It also reads ahead, hence the second.)
static void on_message(j_common_ptr jpeg, int level) {
    session *self = session_of(jpeg);
    if (level >= 0) return;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF) self->has_run_out = true;
    bool is_lacking = !self->is_header_read || jpeg->err->msg_code == JWRN_HIT_MARKER;
    if (self->has_run_out && is_lacking) leave(self, px_fail_truncated(self->reason, self->input));
}

static void on_progress(j_common_ptr jpeg) {
    session *self = session_of(jpeg);
    int scans = self->jpeg.input_scan_number;
    if (scans > scan_limit) {
        leave(self, px_fail(self->reason, PX_CORRUPT, "is a JPEG of more than %d scans", scan_limit));
    }
}

static void open_session(session *self) {
    jpeg_create_decompress(&self->jpeg);
    jpeg_mem_src(&self->jpeg, self->input.bytes, self->input.count);
    self->jpeg.progress = &self->progress;
}

static int orientation_of(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL; marker = marker->next) {
        if (marker->data_length >= 6 && memcmp(marker->data, "Exif\0\0", 6) == 0) {
            return px_exif_orientation(marker->data, marker->data_length);
        }
    }
    return 1;
}

static void read_header(session *self, int64_t pixel_limit, px_info *info) {
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    open_session(self);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    info->width = jpeg->image_width;
    info->height = jpeg->image_height;
    info->samples = jpeg->num_components;
    info->color = jpeg->num_components == 1 ? 1 : 3;
    info->orientation = orientation_of(jpeg);
    if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4) {
        leave(
            self, px_fail(
                self->reason, PX_UNSUPPORTED, "is a JPEG of %d components; 1, 3 and 4 are read",
                jpeg->num_components));
    }
    px_status status = px_check_size(info, pixel_limit, self->reason);
    if (status != PX_OK) leave(self, status);
}

/// Photoshop stores inks inverted and says so with its marker.
static void invert(uint8_t *bytes, int64_t count) {
    for (int64_t i = 0; i < count; i++) bytes[i] = 255 - bytes[i];
}

static void read_rows(session *self, const px_info *info, int channels, uint8_t *pixels) {
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    open_session(self);
    jpeg_read_header(jpeg, TRUE);
    self->is_header_read = true;

    bool is_cmyk = jpeg->num_components == 4;
    jpeg->out_color_space = is_cmyk ? JCS_CMYK : jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(jpeg);

    int64_t stride = info->width * channels;
    uint8_t *inks = NULL;
    if (is_cmyk && channels == 3) {
        inks = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, (size_t)info->width * 4);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        int64_t row = jpeg->output_scanline;
        uint8_t *first = pixels + row * stride;
        if (inks != NULL) {
            jpeg_read_scanlines(jpeg, &inks, 1);
            if (jpeg->saw_Adobe_marker) invert(inks, info->width * 4);
            px_cmyk_to_rgb(inks, info->width, first);
            continue;
        }
        // Two rows at a time are what the chroma of two rows gives at once.
        uint8_t *rows[2] = {first, first + stride};
        JDIMENSION count = jpeg->output_height - jpeg->output_scanline < 2 ? 1 : 2;
        count = jpeg_read_scanlines(jpeg, rows, count);
        if (is_cmyk && jpeg->saw_Adobe_marker) invert(first, count * stride);
    }
}

/// Calls one of the two functions above. A failure inside the library jumps back to here; what it allocated is freed in
/// both cases. The session belongs to the caller, so that nothing in this frame changes between the two returns.
static px_status run(
    session *self, px_info *header, int64_t pixel_limit, const px_info *info, int channels, uint8_t *pixels) {
    self->jpeg.err = jpeg_std_error(&self->errors);
    self->jpeg.client_data = self;
    self->errors.error_exit = on_error;
    self->errors.emit_message = on_message;
    self->progress.progress_monitor = on_progress;
    if (setjmp(self->escape) == 0) {
        if (header != NULL) {
            read_header(self, pixel_limit, header);
        } else {
            read_rows(self, info, channels, pixels);
        }
    }
    jpeg_destroy_decompress(&self->jpeg);
    return self->status;
}

px_status px_probe_jpeg(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    session self = {.input = input, .reason = reason};
    return run(&self, info, pixel_limit, NULL, 0, NULL);
}

px_status px_decode_jpeg(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    session self = {.input = input, .reason = reason};
    return run(&self, NULL, 0, info, channels, pixels);
}
