// The calls of the node, by the canonical ABI of the component model. Nothing has to be changed
// here.
#include "contract.h"
#include "memory.h"

#define EXPORT(name) __attribute__((export_name(name)))

static uint32_t answer[6];

// Arguments lie in the arena until the call is done. What does not fit lies elsewhere, and the
// next call finds a larger arena.
static char *arena;
static size_t arena_len, used, overflow;

// The node asks for a place for each argument.
EXPORT("cabi_realloc") void *place(const char *old, size_t old_len, size_t align, size_t len) {
  (void)align;
  char *found;
  len = (len + 8) & ~(size_t)7;
  if (used + len <= arena_len) {
    found = arena + used;
    used += len;
  } else {
    found = allocate(len);
    overflow += len;
  }
  for (size_t at = 0; at < old_len && at < len; at++) found[at] = old[at];
  return found;
}

static void done(void) {
  if (overflow > 0) {
    arena_len = 2 * (arena_len + overflow);
    arena = allocate(arena_len);
  }
  used = overflow = 0;
}

static struct text copy(struct text text) {
  char *bytes = allocate(text.len);
  for (size_t at = 0; at < text.len; at++) bytes[at] = text.bytes[at];
  return (struct text){bytes, text.len};
}

EXPORT("psycache:plugin/policy@0.1.0#configure")
uint32_t *exported_configure(uint64_t capacity, uint32_t max_entries, uint32_t max_victims, uint64_t seed, const struct option *options, size_t options_len) {
  struct option *own = allocate(options_len * sizeof *own);
  for (size_t at = 0; at < options_len; at++) {
    own[at] = (struct option){copy(options[at].name), copy(options[at].value)};
  }
  done();
  struct config config = {capacity, max_entries, max_victims, seed, own, options_len};
  struct refusal refusal = {0};
  if (!stepped_configure(&config, &refusal)) {
    answer[0] = 1;
    answer[1] = refusal.kind;
    answer[2] = (uint32_t)refusal.name.bytes;
    answer[3] = refusal.name.len;
    answer[4] = (uint32_t)refusal.problem.bytes;
    answer[5] = refusal.problem.len;
  }
  return answer;
}

EXPORT("psycache:plugin/policy@0.1.0#step")
uint32_t *exported_step(const uint32_t *touched, size_t touched_len, const uint32_t *removed, size_t removed_len, const uint32_t *admitted, size_t admitted_len, const uint64_t *hashes, size_t hashes_len, const uint32_t *attributes, size_t attributes_len, uint64_t need, uint64_t now) {
  (void)hashes_len;
  struct step step = {touched, touched_len, removed, removed_len, admitted, admitted_len, hashes, attributes, attributes_len, need, now};
  const uint32_t *victims;
  size_t count = stepped_step(&step, &victims);
  done();
  answer[0] = (uint32_t)victims;
  answer[1] = count;
  return answer;
}
