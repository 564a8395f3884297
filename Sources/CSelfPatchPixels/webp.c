// WebP by libwebp; of animations the first frame, on its canvas.
#include "formats.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/// Why libwebp refuses: a file shorter than its own header says is truncated, everything else is damage.
static px_status fail(px_input input, VP8StatusCode code, px_reason *reason) {
    bool is_short = input.count < 12 || input.count < (uint64_t)px_little32(input.bytes + 4) + 8;
    if (code == VP8_STATUS_NOT_ENOUGH_DATA || is_short) return px_fail_truncated(reason, input);
    if (code == VP8_STATUS_OUT_OF_MEMORY) return px_fail(reason, PX_NO_MEMORY, "needs more memory than there is");
    if (code == VP8_STATUS_UNSUPPORTED_FEATURE) return px_fail(reason, PX_UNSUPPORTED, "is a WebP of a rare kind");
    return px_fail(reason, PX_CORRUPT, "is a damaged WebP");
}

static uint32_t little24(const uint8_t *bytes) { return px_little16(bytes) | (uint32_t)bytes[2] << 16; }

static int orientation_of(px_input input) {
    WebPData data = {input.bytes, input.count};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (demuxer == NULL) return 1;
    int orientation = 1;
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        orientation = px_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
    return orientation;
}

px_status px_probe_webp(px_input input, int64_t pixel_limit, px_info *info, px_reason *reason) {
    // "RIFF", length, "WEBP", then the first part: the extended header, if it is that, tells the canvas by itself.
    const size_t extended_header_end = 30;
    bool is_extended = input.count >= extended_header_end && memcmp(input.bytes + 12, "VP8X", 4) == 0;
    if (is_extended) {
        info->width = (int64_t)little24(input.bytes + 24) + 1;
        info->height = (int64_t)little24(input.bytes + 27) + 1;
        info->samples = info->color = 3;
        px_status status = px_check_size(info, pixel_limit, reason);
        if (status != PX_OK) return status;
    }
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(input.bytes, input.count, &features);
    if (code != VP8_STATUS_OK) return fail(input, code, reason);
    info->width = features.width;
    info->height = features.height;
    info->alpha = features.has_alpha ? 1 : 0;
    info->color = 3;
    info->samples = 3 + info->alpha;
    if (is_extended) info->orientation = orientation_of(input);
    return PX_OK;
}

/// Unpacks one frame into the rows of `pixels`, which are `stride` bytes apart.
static VP8StatusCode unpack(
    const uint8_t *bytes, size_t count, int channels, uint8_t *pixels, size_t stride, size_t room) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return VP8_STATUS_INVALID_PARAM;
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = room;
    VP8StatusCode code = WebPDecode(bytes, count, &config);
    WebPFreeDecBuffer(&config.output);
    return code;
}

/// The first frame at its place on an empty canvas.
static px_status unpack_first_frame(
    px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    WebPData data = {input.bytes, input.count};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (demuxer == NULL) return fail(input, VP8_STATUS_BITSTREAM_ERROR, reason);
    size_t stride = (size_t)info->width * (size_t)channels, room = stride * (size_t)info->height;
    VP8StatusCode code = VP8_STATUS_BITSTREAM_ERROR;
    WebPIterator frame;
    if (WebPDemuxGetFrame(demuxer, 1, &frame)) {
        bool is_inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 && frame.height > 0
                      && frame.x_offset + (int64_t)frame.width <= info->width
                      && frame.y_offset + (int64_t)frame.height <= info->height;
        if (is_inside) {
            size_t first = (size_t)frame.y_offset * stride + (size_t)frame.x_offset * (size_t)channels;
            memset(pixels, 0, room);
            code = unpack(
                frame.fragment.bytes, frame.fragment.size, channels, pixels + first, stride, room - first);
        }
        WebPDemuxReleaseIterator(&frame);
    }
    WebPDemuxDelete(demuxer);
    return code == VP8_STATUS_OK ? PX_OK : fail(input, code, reason);
}

px_status px_decode_webp(px_input input, const px_info *info, int channels, uint8_t *pixels, px_reason *reason) {
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(input.bytes, input.count, &features);
    if (code != VP8_STATUS_OK) return fail(input, code, reason);
    if (features.has_animation) return unpack_first_frame(input, info, channels, pixels, reason);
    size_t stride = (size_t)info->width * (size_t)channels;
    code = unpack(input.bytes, input.count, channels, pixels, stride, stride * (size_t)info->height);
    return code == VP8_STATUS_OK ? PX_OK : fail(input, code, reason);
}
