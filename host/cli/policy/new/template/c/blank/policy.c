// FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.
// "Write here" marks what to replace.
#include "policy.h"
#include "queue.h"

// The last to arrive at the front. Write here: the policy's state, by slot.
static struct queue arrival;

// Called once.
bool configure(const struct config *config, struct refusal *refusal) {
  // Write here: read options from config->options, and give their names to only.
  return only(config, NULL, 0, refusal);
}

// The entry was used.
void touch(uint32_t slot) {
  // Write here: what a use changes. In a FIFO it changes nothing.
  (void)slot;
}

// Its value was replaced, which is a use.
void overwrite(uint32_t slot, const struct entry *entry) {
  (void)entry;
  touch(slot);
}

// The entry came.
void insert(uint32_t slot, const struct entry *entry) {
  // Write here: where a new entry stands. entry has its hash, weight, load time and time to live.
  (void)entry;
  queue_push_front(&arrival, slot);
}

// The entry is gone, and not by this policy.
void remove_entry(uint32_t slot) {
  // Write here: forget it.
  queue_remove(&arrival, slot);
}

// Who leaves next? False: nobody is left.
bool victim(uint32_t *slot) {
  // Write here: choose an entry, and forget it.
  if (!queue_back(&arrival, slot)) return false;
  queue_remove(&arrival, *slot);
  return true;
}
