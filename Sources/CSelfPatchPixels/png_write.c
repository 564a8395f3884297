// PNG files of 8-bit grey, colour, or places in a palette, into memory.
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

typedef struct {
    const uint8_t *pixels;
    int64_t width, height;
    int channels;
    const uint8_t *palette;  ///< null, or 256 colours that the one channel chooses from
} drawing;

static void write_rows(session *self, const drawing *drawing) {
    const int64_t width = drawing->width, height = drawing->height;
    png_structp png = self->png;
    png_set_write_fn(png, self, on_write, on_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    if (width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) png_error(png, "too many pixels a side");
    int color_type = drawing->palette != NULL ? PNG_COLOR_TYPE_PALETTE
                     : drawing->channels == 1 ? PNG_COLOR_TYPE_GRAY
                                              : PNG_COLOR_TYPE_RGB;
    png_set_IHDR(
        png, self->info, (png_uint_32)width, (png_uint_32)height, 8, color_type, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (drawing->palette != NULL) {
        png_color colors[PNG_MAX_PALETTE_LENGTH];
        for (int i = 0; i < PNG_MAX_PALETTE_LENGTH; i++) {
            const uint8_t *color = drawing->palette + 3 * i;
            colors[i] = (png_color){color[0], color[1], color[2]};
        }
        png_set_PLTE(png, self->info, colors, PNG_MAX_PALETTE_LENGTH);
    }
    png_write_info(png, self->info);
    for (int64_t row = 0; row < height; row++) {
        png_write_row(png, drawing->pixels + row * width * drawing->channels);
    }
    png_write_end(png, NULL);
}

static void run(session *self, const drawing *drawing) {
    if (setjmp(png_jmpbuf(self->png)) == 0) write_rows(self, drawing);
}

static px_status encoded(const drawing *drawing, px_bytes *file, px_reason *reason) {
    session self = {.reason = reason};
    self.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    if (self.png != NULL) self.info = png_create_info_struct(self.png);
    if (self.info == NULL) {
        png_destroy_write_struct(&self.png, NULL);
        return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    }
    run(&self, drawing);
    png_destroy_write_struct(&self.png, &self.info);
    if (self.status == PX_OK) {
        *file = self.file;
    } else {
        free(self.file.bytes);
    }
    return self.status;
}

px_status px_write_png(
    const uint8_t *pixels, int64_t width, int64_t height, int channels, px_bytes *file, px_reason *reason) {
    *file = (px_bytes){NULL, 0};
    reason->text[0] = 0;
    if (channels != 1 && channels != 3) {
        return px_fail(reason, PX_UNSUPPORTED, "cannot become a PNG: it has %d channels, 1 and 3 are written", channels);
    }
    return encoded(&(drawing){pixels, width, height, channels, NULL}, file, reason);
}

px_status px_write_indexed_png(
    const uint8_t *indices, int64_t width, int64_t height, const uint8_t *palette, px_bytes *file, px_reason *reason) {
    *file = (px_bytes){NULL, 0};
    reason->text[0] = 0;
    return encoded(&(drawing){indices, width, height, 1, palette}, file, reason);
}

void px_free(px_bytes file) { free(file.bytes); }
