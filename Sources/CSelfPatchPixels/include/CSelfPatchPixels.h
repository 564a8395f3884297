// Everything that Swift sees of this target.
#pragma once
#include "decode.h"
#include "kernels.h"
