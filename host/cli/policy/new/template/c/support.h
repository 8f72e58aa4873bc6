// What a policy is told, and what it is built with. Nothing has to be changed here;
// wit/psycache-plugin.wit has the words of the contract.
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

// Refuses options that are not known, and options that are given twice.
bool only(const struct config *config, const char *const *known, size_t known_len, struct refusal *refusal);

// Makes an array of `*len` elements of `size` bytes at least `wanted` long, and returns where
// it is now. What is new is zero.
void *grow(void *array, size_t *len, size_t wanted, size_t size);
