// SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
// to the newest. It spares an entry that was used since it last came by, and takes the first that
// was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
#include "policy.h"
#include "queue.h"

// The last to arrive at the front.
static struct queue arrival;
// By slot.
static bool *used;
static size_t used_len;
// The entry to look at next. Without a hand it is the oldest.
static uint32_t hand;
static bool has_hand;

// Called once: read the options here, and refuse unknown ones.
bool configure(const struct config *config, struct refusal *refusal) {
  return only(config, NULL, 0, refusal);
}

// The entry was used.
void touch(uint32_t slot) { used[slot] = true; }

// Its value was replaced, which is a use.
void overwrite(uint32_t slot, const struct entry *entry) {
  (void)entry;
  touch(slot);
}

// The entry came.
void insert(uint32_t slot, const struct entry *entry) {
  (void)entry;
  used = grow(used, &used_len, (size_t)slot + 1, sizeof *used);
  used[slot] = false;
  queue_push_front(&arrival, slot);
}

// The entry is gone, and not by this policy.
void remove_entry(uint32_t slot) {
  if (has_hand && hand == slot) has_hand = queue_before(&arrival, slot, &hand);
  queue_remove(&arrival, slot);
}

// Who leaves next? It is forgotten. False: nobody is left.
bool victim(uint32_t *slot) {
  for (;;) {
    if (has_hand) *slot = hand;
    else if (!queue_back(&arrival, slot)) return false;
    has_hand = queue_before(&arrival, *slot, &hand);
    if (!used[*slot]) {
      queue_remove(&arrival, *slot);
      return true;
    }
    used[*slot] = false;
  }
}
