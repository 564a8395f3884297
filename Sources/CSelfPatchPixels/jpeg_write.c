// JPEG files of 8-bit grey or colour, into memory, by libjpeg-turbo.
#include "formats.h"

#include <setjmp.h>
#include <stdio.h>  // jpeglib.h needs it
#include <stdlib.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    unsigned char *bytes;
    unsigned long count;
    px_reason *reason;
    px_status status;
} session;

_Noreturn static void on_error(j_common_ptr jpeg) {
    session *self = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    self->status = px_fail(self->reason, PX_CORRUPT, "cannot become a JPEG (%s)", text);
    longjmp(self->escape, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static void write_rows(
    session *self, const uint8_t *pixels, int64_t width, int64_t height, int channels, int quality) {
    struct jpeg_compress_struct *jpeg = &self->jpeg;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &self->bytes, &self->count);
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = channels;
    jpeg->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + (int64_t)jpeg->next_scanline * width * channels);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static void run(session *self, const uint8_t *pixels, int64_t width, int64_t height, int channels, int quality) {
    if (setjmp(self->escape) == 0) { write_rows(self, pixels, width, height, channels, quality); }
    jpeg_destroy_compress(&self->jpeg);
}

px_status px_write_jpeg(
    const uint8_t *pixels, int64_t width, int64_t height, int channels, int quality, px_bytes *file,
    px_reason *reason) {
    *file = (px_bytes){NULL, 0};
    reason->text[0] = 0;
    if (channels != 1 && channels != 3) {
        return px_fail(reason, PX_UNSUPPORTED, "cannot become a JPEG: it has %d channels, 1 and 3 are written", channels);
    }
    if (width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION) {
        return px_fail(reason, PX_UNSUPPORTED, "cannot become a JPEG: a side has more than %ld pixels", JPEG_MAX_DIMENSION);
    }
    session self = {.reason = reason, .status = PX_OK};
    self.jpeg.err = jpeg_std_error(&self.errors);
    self.jpeg.client_data = &self;
    self.errors.error_exit = on_error;
    self.errors.emit_message = on_message;
    run(&self, pixels, width, height, channels, quality);
    if (self.status == PX_OK) {
        *file = (px_bytes){self.bytes, self.count};
    } else {
        free(self.bytes);
    }
    return self.status;
}
