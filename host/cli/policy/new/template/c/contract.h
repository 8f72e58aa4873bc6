// A step, as the node tells it to a policy. Nothing has to be changed here.
#pragma once
#include "support.h"

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
