#pragma once
#ifdef __cplusplus
extern "C" {
#endif
int sp_version(void);
#ifdef __cplusplus
}
#endif
