// Damaged pictures through every decoder, under AddressSanitizer: see Fuzzing/pixels.
//
// With libFuzzer, LLVMFuzzerTestOneInput is what it calls. Without (-DALONE), the program takes files and tries `rounds`
// damaged variants of each: bytes overwritten, ranges zeroed, the end cut off, parts of two files joined.
#include "CSelfPatchPixels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t pixel_limit = 4000000;

/// Decodes in every way that the header offers. - Returns: the status of the picture as colour.
static px_status try_everything(const uint8_t *bytes, size_t count) {
    px_info info;
    px_reason reason;
    px_status status = px_probe(bytes, count, pixel_limit, &info, &reason);
    if (status != PX_OK) {
        if (reason.text[0] == 0) abort();
        return status;
    }
    if (info.width <= 0 || info.height <= 0 || info.width > pixel_limit / info.height) abort();
    int ways[] = {info.color, info.samples, info.samples - info.alpha};
    px_status result = PX_OK;
    for (int way = 0; way < 3; way++) {
        int channels = ways[way];
        bool is_new = channels > 0 && (way < 1 || channels != ways[0]) && (way < 2 || channels != ways[1]);
        if (!is_new) continue;
        size_t size = (size_t)(info.width * info.height) * (size_t)channels;
        uint8_t *pixels = malloc(size), *turned = malloc(size);
        if (pixels == NULL || turned == NULL) abort();
        status = px_decode(bytes, count, &info, channels, pixels, &reason);
        if (status != PX_OK && reason.text[0] == 0) abort();
        if (status == PX_OK) px_turn(pixels, info.width, info.height, channels, info.orientation, turned);
        if (way == 0) result = status;
        free(pixels);
        free(turned);
    }
    if (info.indexed) {
        uint8_t *indices = malloc((size_t)(info.width * info.height));
        if (indices == NULL) abort();
        status = px_decode_indices(bytes, count, &info, indices, &reason);
        if (status != PX_OK && reason.text[0] == 0) abort();
        free(indices);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    (void)try_everything(bytes, count);
    return 0;
}

#ifdef ALONE

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint64_t draw(uint64_t below) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return below == 0 ? 0 : state % below;
}

static uint8_t *read_file(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    fseek(file, 0, SEEK_END);
    *count = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*count + 1);
    *count = fread(bytes, 1, *count, file);
    fclose(file);
    return bytes;
}

/// An exact copy of its own size, so that one byte read too far is found.
static void damage_and_try(const uint8_t *bytes, size_t count, const uint8_t *other, size_t other_count) {
    size_t kept = draw(4) == 0 ? draw(count + 1) : count;
    size_t joined = draw(8) == 0 ? draw(other_count + 1) : 0;
    uint8_t *copy = malloc(kept + joined > 0 ? kept + joined : 1);
    memcpy(copy, bytes, kept);
    if (joined > 0) memcpy(copy + kept, other + (other_count - joined), joined);
    // Half of the damage goes to the start, where the headers are.
    for (uint64_t left = 1 + draw(8); left > 0 && kept > 0; left--) {
        size_t place = draw(2) == 0 ? draw(kept) : draw(kept < 128 ? kept : 128);
        switch (draw(4)) {
            case 0: copy[place] ^= (uint8_t)(1u << draw(8)); break;
            case 1: copy[place] = (uint8_t)draw(256); break;
            case 2: copy[place] = draw(2) == 0 ? 0xFF : 0; break;
            default: {
                size_t length = draw(kept - place < 16 ? kept - place : 16);
                memset(copy + place, (int)draw(2) * 255, length);
            }
        }
    }
    (void)try_everything(copy, kept + joined);
    free(copy);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: fuzz_pixels ROUNDS FILE...\n");
        return 64;
    }
    int rounds = atoi(argv[1]);
    double slowest = 0;
    const char *slowest_file = "";
    long tried = 0;
    for (int i = 2; i < argc; i++) {
        size_t count = 0, other_count = 0;
        uint8_t *bytes = read_file(argv[i], &count), *other = read_file(argv[2 + (int)draw(argc - 2)], &other_count);
        if (bytes == NULL || other == NULL) continue;
        (void)try_everything(bytes, count);
        for (int round = 0; round < rounds; round++) {
            clock_t start = clock();
            damage_and_try(bytes, count, other, other_count);
            double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (seconds > slowest) slowest = seconds, slowest_file = argv[i];
            tried++;
        }
        free(bytes);
        free(other);
    }
    printf("%ld variants of %d files; the slowest took %.2f s (of %s)\n", tried, argc - 2, slowest, slowest_file);
    return 0;
}

#endif
