// The driver's two functions that the program asks for by name.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

int cuInit(unsigned flags);
int cuDeviceGetCount(int *count);

#ifdef __cplusplus
}
#endif
