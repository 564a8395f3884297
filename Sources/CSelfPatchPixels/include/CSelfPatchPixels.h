#pragma once
int px_version(void);
