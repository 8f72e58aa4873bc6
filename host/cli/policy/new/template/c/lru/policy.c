// LRU: the entry whose last use lies furthest back leaves first.
#include "policy.h"
#include "queue.h"

// The last used at the front.
static struct queue recency;

// Called once: read the options here, and refuse unknown ones.
bool configure(const struct config *config, struct refusal *refusal) {
  return only(config, NULL, 0, refusal);
}

// The entry was used.
void touch(uint32_t slot) {
  queue_remove(&recency, slot);
  queue_push_front(&recency, slot);
}

// Its value was replaced, which is a use.
void overwrite(uint32_t slot, const struct entry *entry) {
  (void)entry;
  touch(slot);
}

// The entry came.
void insert(uint32_t slot, const struct entry *entry) {
  (void)entry;
  queue_push_front(&recency, slot);
}

// The entry is gone, and not by this policy.
void remove_entry(uint32_t slot) { queue_remove(&recency, slot); }

// Who leaves next? It is forgotten. False: nobody is left.
bool victim(uint32_t *slot) {
  if (!queue_back(&recency, slot)) return false;
  queue_remove(&recency, *slot);
  return true;
}
