// PNG files of 8-bit grey or colour, into memory.
#include "formats.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    png_structp png;
    png_infop info;
    px_bytes file;
    size_t capacity;
    px_reason *reason;
    px_status status;
} session;

_Noreturn static void on_error(png_structp png, png_const_charp message) {
    session *self = png_get_error_ptr(png);
    if (self->status == PX_OK) self->status = px_fail(self->reason, PX_CORRUPT, "cannot become a PNG (%s)", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
    session *self = png_get_io_ptr(png);
    if (count > self->capacity - self->file.count) {
        size_t capacity = 2 * self->capacity + count;
        uint8_t *larger = realloc(self->file.bytes, capacity);
        if (larger == NULL) {
            self->status = px_fail(self->reason, PX_NO_MEMORY, "needs more memory than there is");
            png_error(png, "");
        }
        self->file.bytes = larger;
        self->capacity = capacity;
    }
    memcpy(self->file.bytes + self->file.count, bytes, count);
    self->file.count += count;
}

static void on_flush(png_structp png) { (void)png; }

static void write_rows(session *self, const uint8_t *pixels, int64_t width, int64_t height, int channels) {
    png_structp png = self->png;
    png_set_write_fn(png, self, on_write, on_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    if (width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) png_error(png, "too many pixels a side");
    int color_type = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
    png_set_IHDR(
        png, self->info, (png_uint_32)width, (png_uint_32)height, 8, color_type, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, self->info);
    for (int64_t row = 0; row < height; row++) png_write_row(png, pixels + row * width * channels);
    png_write_end(png, NULL);
}

static void run(session *self, const uint8_t *pixels, int64_t width, int64_t height, int channels) {
    if (setjmp(png_jmpbuf(self->png)) == 0) write_rows(self, pixels, width, height, channels);
}

px_status px_write_png(
    const uint8_t *pixels, int64_t width, int64_t height, int channels, px_bytes *file, px_reason *reason) {
    *file = (px_bytes){NULL, 0};
    reason->text[0] = 0;
    if (channels != 1 && channels != 3) {
        return px_fail(reason, PX_UNSUPPORTED, "cannot become a PNG: it has %d channels, 1 and 3 are written", channels);
    }
    session self = {.reason = reason};
    self.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    if (self.png != NULL) self.info = png_create_info_struct(self.png);
    if (self.info == NULL) {
        png_destroy_write_struct(&self.png, NULL);
        return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    }
    run(&self, pixels, width, height, channels);
    png_destroy_write_struct(&self.png, &self.info);
    if (self.status == PX_OK) {
        *file = self.file;
    } else {
        free(self.file.bytes);
    }
    return self.status;
}

void px_free(px_bytes file) { free(file.bytes); }
