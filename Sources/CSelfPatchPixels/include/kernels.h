// Pixel kernels: resize, blur, colour.
#pragma once
#include <stddef.h>
#include <stdint.h>
