// The policy's rule, written without a thought for speed.

// The oldest first, each with whether it was used since the hand last came by.
static struct { uint32_t slot; bool used; } model[CAPACITY];
// How many there are, and the place of the one to look at next.
static size_t model_len, model_hand;

static size_t model_find(uint32_t slot) {
  size_t at = 0;
  while (model[at].slot != slot) at++;
  return at;
}

// A hand that has passed the newest entry begins with the oldest.
static void model_wrap(void) {
  if (model_hand == model_len) model_hand = 0;
}

static void model_touch(uint32_t slot) { model[model_find(slot)].used = true; }

static void model_insert(uint32_t slot) {
  model_wrap();
  model[model_len].slot = slot;
  model[model_len++].used = false;
}

static void model_remove(uint32_t slot) {
  size_t at = model_find(slot);
  memmove(model + at, model + at + 1, (--model_len - at) * sizeof *model);
  if (at < model_hand) model_hand--;
}

static uint32_t model_victim(void) {
  for (model_wrap(); model[model_hand].used; model_wrap()) model[model_hand++].used = false;
  uint32_t slot = model[model_hand].slot;
  model_remove(slot);
  return slot;
}
