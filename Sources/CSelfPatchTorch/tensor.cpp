#include "CSelfPatchTorch.h"
int sp_version(void) { return 1; }
