// The policy against the model, by random steps.
//
//   cc -o policy_test policy_test.c && ./policy_test
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.c"
#include "contract.c"
#include "policy.c"

#define CAPACITY 20

#include "model.h"

void *allocate(size_t size) { return calloc(1, size + 1); }

static void expect(bool is_so, const char *what, int at) {
  if (is_so) return;
  fprintf(stderr, "FAILED: %s, step %d\n", what, at);
  exit(1);
}

static bool start(const struct option *options, size_t options_len, struct refusal *refusal) {
  struct config config = {CAPACITY, 2 * CAPACITY, CAPACITY, 1, options, options_len};
  return stepped_configure(&config, refusal);
}

static void agrees_with_the_model(void) {
  const uint64_t hash = 7;
  const uint32_t attributes[] = {1, 0, 0}, *victims;
  bool resident[2 * CAPACITY] = {false};
  int residents = 0;
  srand(1);
  for (int at = 0; at < 20000; at++) {
    uint32_t slot = rand() % (2 * CAPACITY), expected = 0;
    struct step step = {0};
    switch (rand() % 8) {
    case 0: case 1: case 2: case 3: // comes, or is overwritten
      step = (struct step){.admitted = &slot, .admitted_len = 1, .hashes = &hash, .attributes = attributes, .attributes_len = 3};
      if (resident[slot]) {
        model_touch(slot);
        break;
      }
      if (residents == CAPACITY) {
        step.need = 1;
        expected = model_victim();
        resident[expected] = false;
        residents--;
      }
      model_insert(slot);
      resident[slot] = true;
      residents++;
      break;
    case 4: // is removed
      step.removed = &slot;
      step.removed_len = 1;
      if (!resident[slot]) break;
      model_remove(slot);
      resident[slot] = false;
      residents--;
      break;
    default: // is used
      step.touched = &slot;
      step.touched_len = 1;
      if (resident[slot]) model_touch(slot);
    }
    size_t count = stepped_step(&step, &victims);
    expect(count == step.need && (count == 0 || victims[0] == expected), "agrees with the model", at);
  }
}

static void longer_attributes_are_strided_over(void) {
  const uint64_t hashes[] = {7, 8};
  const uint32_t slots[] = {100, 101}, attributes[] = {5, 0, 0, 9, 3, 0, 0, 9}, *victims;
  // Nobody is left of the test before.
  stepped_step(&(struct step){.need = CAPACITY}, &victims);
  stepped_step(&(struct step){.admitted = slots, .admitted_len = 2, .hashes = hashes, .attributes = attributes, .attributes_len = 8}, &victims);
  // 5 and 3 make 8.
  size_t count = stepped_step(&(struct step){.need = 6}, &victims);
  expect(count == 2 && victims[0] == 100 && victims[1] == 101, "longer attributes are strided over", 0);
}

static void an_option_that_there_is_not_is_refused(void) {
  const struct option option = {{"k", 1}, {"2", 1}};
  const struct text hint = as_text("k (there are no options)");
  struct refusal refusal;
  bool is_refused = !start(&option, 1, &refusal) && refusal.kind == UNKNOWN_OPTION;
  expect(is_refused && is_same(refusal.name, hint), "an option that there is not is refused", 0);
}

int main(void) {
  struct refusal refusal;
  expect(start(NULL, 0, &refusal), "no options were given", 0);
  agrees_with_the_model();
  longer_attributes_are_strided_over();
  an_option_that_there_is_not_is_refused();
  puts("3 tests passed");
}
