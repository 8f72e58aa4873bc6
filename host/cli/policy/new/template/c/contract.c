// How a step of the contract becomes calls of the policy. Nothing has to be changed here.
#include "contract.h"
#include "policy.h"

// By slot; 0: nothing is resident there.
static uint32_t *weights;
static size_t weights_len;
static uint32_t *victims;
static size_t victims_len, max_victims;
// Which of the step's admitted entries are new; kept for its memory alone.
static uint32_t *newcomers;
static size_t newcomers_len;

bool stepped_configure(const struct config *config, struct refusal *refusal) {
  max_victims = config->max_victims;
  victims = grow(victims, &victims_len, max_victims, sizeof *victims);
  return configure(config, refusal);
}

static bool is_resident(uint32_t slot) { return slot < weights_len && weights[slot] > 0; }

// Later versions may append attributes.
static struct entry entry_of(const struct step *step, size_t at) {
  const uint32_t *attributes = step->attributes + at * (step->attributes_len / step->admitted_len);
  uint32_t weight = attributes[0] > 0 ? attributes[0] : 1;
  return (struct entry){step->hashes[at], weight, attributes[1], attributes[2]};
}

// Adds victims until they weigh `need`, and returns what they weigh.
static uint64_t choose(uint64_t need, uint64_t freed, size_t *count) {
  uint32_t slot;
  while (freed < need && *count < max_victims && victim(&slot)) {
    freed += weights[slot];
    weights[slot] = 0;
    victims[(*count)++] = slot;
  }
  return freed;
}

// Entries that were resident before leave first, and new ones only if that does not suffice:
// "evict, then insert", as the definitions of policies have it.
size_t stepped_step(const struct step *step, const uint32_t **chosen) {
  size_t count = 0, fresh = 0;
  for (size_t at = 0; at < step->touched_len; at++) {
    if (is_resident(step->touched[at])) touch(step->touched[at]);
  }
  for (size_t at = 0; at < step->removed_len; at++) {
    uint32_t slot = step->removed[at];
    if (!is_resident(slot)) continue;
    weights[slot] = 0;
    remove_entry(slot);
  }
  newcomers = grow(newcomers, &newcomers_len, step->admitted_len, sizeof *newcomers);
  for (size_t at = 0; at < step->admitted_len; at++) {
    uint32_t slot = step->admitted[at];
    if (is_resident(slot)) {
      struct entry entry = entry_of(step, at);
      weights[slot] = entry.weight;
      overwrite(slot, &entry);
    } else {
      newcomers[fresh++] = (uint32_t)at;
    }
  }
  uint64_t freed = choose(step->need, 0, &count);
  for (size_t place = 0; place < fresh; place++) {
    uint32_t slot = step->admitted[newcomers[place]];
    struct entry entry = entry_of(step, newcomers[place]);
    weights = grow(weights, &weights_len, (size_t)slot + 1, sizeof *weights);
    weights[slot] = entry.weight;
    insert(slot, &entry);
  }
  choose(step->need, freed, &count);
  *chosen = victims;
  return count;
}
