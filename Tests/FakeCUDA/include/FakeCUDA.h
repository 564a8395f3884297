// What the program asks for by name of the driver and of NVRTC.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

int cuInit(unsigned flags);
int cuDeviceGetCount(int *count);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuCtxGetCurrent(void **context);
int cuCtxSetCurrent(void *context);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuModuleLoadData(void **module, const void *code);
int cuModuleGetFunction(void **function, void *module, const char *name);
int cuLaunchKernel(
    void *function, unsigned blocks, unsigned, unsigned, unsigned threads, unsigned, unsigned, unsigned shared, void *stream,
    void **arguments, void **extra);
int cuGetErrorString(int status, const char **text);

int nvrtcCreateProgram(
    void **program, const char *text, const char *name, int headers, const char *const *headerTexts, const char *const *headerNames);
int nvrtcCompileProgram(void *program, int count, const char *const *options);
int nvrtcGetProgramLogSize(void *program, size_t *size);
int nvrtcGetProgramLog(void *program, char *log);
int nvrtcGetCUBINSize(void *program, size_t *size);
int nvrtcGetCUBIN(void *program, char *code);
int nvrtcDestroyProgram(void **program);
const char *nvrtcGetErrorString(int status);

#ifdef __cplusplus
}
#endif
