#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

void px_flip(uint8_t *planes, int channels, int height, int width) {
    for (size_t row = 0; row < (size_t)channels * height; row++) {
        uint8_t *left = planes + row * width, *right = left + width - 1;
        while (left < right) {
            uint8_t kept = *left;
            *left++ = *right;
            *right-- = kept;
        }
    }
}

void px_to_planes(const uint8_t *pixels, size_t count, int channels, uint8_t *planes) {
    for (int channel = 0; channel < channels; channel++) {
        for (size_t i = 0; i < count; i++) { planes[channel * count + i] = pixels[i * channels + channel]; }
    }
}

void px_from_planes(const uint8_t *planes, size_t count, int channels, uint8_t *pixels) {
    for (int channel = 0; channel < channels; channel++) {
        for (size_t i = 0; i < count; i++) { pixels[i * channels + channel] = planes[channel * count + i]; }
    }
}

void px_normalize(
    const uint8_t *planes, size_t pixels, int channels, const float *mean, const float *deviation, float *normalized) {
    for (int channel = 0; channel < channels; channel++) {
        for (size_t i = 0; i < pixels; i++) {
            float level = (float)planes[channel * pixels + i] / 255.0f;
            normalized[channel * pixels + i] = (level - mean[channel]) / deviation[channel];
        }
    }
}
