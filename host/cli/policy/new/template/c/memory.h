// Where memory comes from. There is no C library in the component.
#pragma once
#include <stddef.h>

// Memory for `size` bytes that are zero, for ever.
void *allocate(size_t size);
