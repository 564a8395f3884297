// GIF by giflib: the first frame, without the screen around it.
#include "formats.h"

#include <gif_lib.h>
#include <string.h>

typedef struct {
    px_input input;
    size_t offset;
    bool has_run_out;
    px_reason *reason;
} session;

static int on_read(GifFileType *gif, GifByteType *target, int count) {
    session *self = gif->UserData;
    size_t rest = self->input.count - self->offset, wanted = (size_t)count;
    if (wanted > rest) {
        self->has_run_out = true;
        wanted = rest;
    }
    memcpy(target, self->input.bytes + self->offset, wanted);
    self->offset += wanted;
    return (int)wanted;
}

static px_status fail(session *self, const char *what) {
    if (self->has_run_out) return px_fail_truncated(self->reason, self->input);
    return px_fail(self->reason, PX_CORRUPT, "is a damaged GIF (%s)", what);
}

static px_status fail_with_code(session *self, int code) {
    if (code == D_GIF_ERR_EOF_TOO_SOON) self->has_run_out = true;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) {
        return px_fail(self->reason, PX_NO_MEMORY, "needs more memory than there is");
    }
    const char *text = GifErrorString(code);
    return fail(self, text != NULL ? text : "of an unknown kind");
}

/// Reads on to the first frame's description; extensions before it are passed over.
static px_status find_frame(GifFileType *gif, session *self) {
    for (;;) {
        GifRecordType type;
        if (DGifGetRecordType(gif, &type) == GIF_ERROR) return fail_with_code(self, gif->Error);
        if (type == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(gif) == GIF_ERROR ? fail_with_code(self, gif->Error) : PX_OK;
        }
        if (type != EXTENSION_RECORD_TYPE) return fail(self, "no frame");
        int code;
        GifByteType *block;
        int result = DGifGetExtension(gif, &code, &block);
        while (result == GIF_OK && block != NULL) result = DGifGetExtensionNext(gif, &block);
        if (result == GIF_ERROR) return fail_with_code(self, gif->Error);
    }
}

px_status px_probe_gif(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    (void)pixel_limit;
    session self = {.input = input, .reason = reason};
    int code = 0;
    GifFileType *gif = DGifOpen(&self, on_read, &code);
    if (gif == NULL) return fail_with_code(&self, code);
    px_status status = find_frame(gif, &self);
    if (status == PX_OK) {
        info->width = gif->Image.Width;
        info->height = gif->Image.Height;
        info->samples = info->color = 3;
    }
    DGifCloseFile(gif, &code);
    return status;
}

/// Looks the colours up from the row's end, so that the indices may lie at its start.
static void look_up(const ColorMapObject *map, int64_t width, uint8_t *row) {
    for (int64_t i = width - 1; i >= 0; i--) {
        int index = row[i];
        GifColorType color = {0, 0, 0};
        if (index < map->ColorCount) color = map->Colors[index];
        row[3 * i] = color.Red;
        row[3 * i + 1] = color.Green;
        row[3 * i + 2] = color.Blue;
    }
}

static px_status read_frame(GifFileType *gif, session *self, uint8_t *pixels) {
    int width = gif->Image.Width, height = gif->Image.Height;
    const ColorMapObject *map = gif->Image.ColorMap != NULL ? gif->Image.ColorMap : gif->SColorMap;
    if (map == NULL) return fail(self, "no palette");
    static const int first_rows[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    bool is_interlaced = gif->Image.Interlace;
    int rows_read = 0;
    for (int pass = 0; pass < (is_interlaced ? 4 : 1); pass++) {
        int first = is_interlaced ? first_rows[pass] : 0, step = is_interlaced ? steps[pass] : 1;
        for (int row = first; row < height; row += step) {
            uint8_t *start = pixels + (int64_t)row * width * 3;
            rows_read++;
            // With the last row giflib also wants the end mark, which does not matter any more.
            if (DGifGetLine(gif, start, width) == GIF_ERROR
                && !(rows_read == height && gif->Error == D_GIF_ERR_READ_FAILED)) {
                return fail_with_code(self, gif->Error);
            }
            look_up(map, width, start);
        }
    }
    return PX_OK;
}

px_status px_decode_gif(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    (void)info;
    (void)channels;  // 3 is all that its info offers
    session self = {.input = input, .reason = reason};
    int code = 0;
    GifFileType *gif = DGifOpen(&self, on_read, &code);
    if (gif == NULL) return fail_with_code(&self, code);
    px_status status = find_frame(gif, &self);
    if (status == PX_OK) status = read_frame(gif, &self, pixels);
    DGifCloseFile(gif, &code);
    return status;
}
