// The policy's rule, written without a thought for speed.

// The oldest first.
static uint32_t model[CAPACITY];
static size_t model_len;

static void model_insert(uint32_t slot) { model[model_len++] = slot; }

static void model_remove(uint32_t slot) {
  size_t at = 0;
  while (model[at] != slot) at++;
  memmove(model + at, model + at + 1, (--model_len - at) * sizeof *model);
}

// Write here: the rule of your policy, in the plainest way.
static void model_touch(uint32_t slot) { (void)slot; }

static uint32_t model_victim(void) {
  uint32_t slot = model[0];
  model_remove(slot);
  return slot;
}
