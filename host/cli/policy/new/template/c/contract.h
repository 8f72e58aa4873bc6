// What a policy is. Nothing has to be changed here; wit/psycache-plugin.wit has the words of
// the contract. There is no C library in the component.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What the node tells of an entry when it is stored.
struct entry {
  uint64_t hash;    // of the key; ghost lists know an entry by it
  uint32_t weight;  // its share of the capacity, at least 1
  uint32_t cost_us; // microseconds that the value took to load, 0 if it was set
  uint32_t ttl_ms;  // time to live in milliseconds, 0 for none
};

struct text { const char *bytes; size_t len; };
struct option { struct text name, value; };

struct config {
  uint64_t capacity;    // in the unit of the weights
  uint32_t max_entries; // every slot is below
  uint32_t max_victims; // most that one step may return
  uint64_t seed;        // same seed and same calls, same victims
  const struct option *options;
  size_t options_len;
};

// Why an option is refused; `problem` goes with INVALID_VALUE.
struct refusal {
  enum { UNKNOWN_OPTION, INVALID_VALUE, MISSING_OPTION } kind;
  struct text name, problem;
};

// The policy works on one slot at a time. touch, overwrite and remove_entry name resident
// slots only, insert only slots that are not. A slot is resident from its insert until its
// remove_entry, or until victim names it.
bool configure(const struct config *config, struct refusal *refusal);
void touch(uint32_t slot);
void overwrite(uint32_t slot, const struct entry *entry);
void insert(uint32_t slot, const struct entry *entry);
void remove_entry(uint32_t slot);
bool victim(uint32_t *slot);

// Refuses options other than the known ones, and those that are given twice.
bool only(const struct config *config, const char *const *known, size_t known_len, struct refusal *refusal);

// Makes an array of `*len` elements of `size` bytes at least `wanted` long, and returns where
// it is now. What is new is zero.
void *grow(void *array, size_t *len, size_t wanted, size_t size);

// All that happened since the last step.
struct step {
  const uint32_t *touched; size_t touched_len;
  const uint32_t *removed; size_t removed_len;
  const uint32_t *admitted; size_t admitted_len;
  const uint64_t *hashes;
  const uint32_t *attributes; size_t attributes_len;
  uint64_t need, now;
};

// Configures the policy and what drives it.
bool stepped_configure(const struct config *config, struct refusal *refusal);
// Returns how many victims there are, coldest first. They are good until the next call.
size_t stepped_step(const struct step *step, const uint32_t **victims);

// Memory for `size` bytes that are zero, for ever.
void *allocate(size_t size);
