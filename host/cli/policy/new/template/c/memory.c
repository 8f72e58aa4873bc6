// Memory of the component, which only grows. Nothing has to be changed here.
#include "memory.h"
#include <stdint.h>

#define PAGE ((size_t)65536)

// What was handed out and what there is, of memory that is never given back.
static size_t next, end;

void *allocate(size_t size) {
  size = (size + 7) & ~(size_t)7;
  if (size > end - next) {
    size_t pages = (size + PAGE - 1) / PAGE, first = __builtin_wasm_memory_grow(0, pages);
    if (first == SIZE_MAX) __builtin_trap();
    // If nobody else has asked for memory meanwhile, the rest before it is still good.
    if (first * PAGE != end) next = first * PAGE;
    end = (first + pages) * PAGE;
  }
  void *place = (void *)next;
  next += size;
  return place;
}
