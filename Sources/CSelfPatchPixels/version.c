#include "CSelfPatchPixels.h"
int px_version(void) { return 1; }
