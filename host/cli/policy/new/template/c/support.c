// What a policy is built with: arrays that grow, and options that are refused. Nothing has to be
// changed here.
#include "support.h"
#include "memory.h"

void *grow(void *array, size_t *len, size_t wanted, size_t size) {
  if (wanted <= *len) return array;
  size_t old = *len * size;
  *len = wanted > 2 * *len ? wanted : 2 * *len;
  char *larger = allocate(*len * size);
  for (size_t at = 0; at < old; at++) larger[at] = ((char *)array)[at];
  return larger;
}

static struct text as_text(const char *bytes) {
  size_t len = 0;
  while (bytes[len] != 0) len++;
  return (struct text){bytes, len};
}

static bool is_same(struct text one, struct text other) {
  if (one.len != other.len) return false;
  for (size_t at = 0; at < one.len; at++) {
    if (one.bytes[at] != other.bytes[at]) return false;
  }
  return true;
}

static void append(struct text *text, struct text more) {
  char *bytes = allocate(text->len + more.len);
  for (size_t at = 0; at < text->len; at++) bytes[at] = text->bytes[at];
  for (size_t at = 0; at < more.len; at++) bytes[text->len + at] = more.bytes[at];
  *text = (struct text){bytes, text->len + more.len};
}

bool only(const struct config *config, const char *const *known, size_t known_len, struct refusal *refusal) {
  for (size_t at = 0; at < config->options_len; at++) {
    struct text name = config->options[at].name;
    size_t place = 0;
    while (place < known_len && !is_same(name, as_text(known[place]))) place++;
    if (place == known_len) {
      *refusal = (struct refusal){.kind = UNKNOWN_OPTION, .name = name};
      append(&refusal->name, as_text(known_len ? " (known: " : " (there are no options"));
      for (place = 0; place < known_len; place++) {
        if (place > 0) append(&refusal->name, as_text(", "));
        append(&refusal->name, as_text(known[place]));
      }
      append(&refusal->name, as_text(")"));
      return false;
    }
    for (size_t earlier = 0; earlier < at; earlier++) {
      if (!is_same(name, config->options[earlier].name)) continue;
      *refusal = (struct refusal){INVALID_VALUE, name, as_text("is given twice")};
      return false;
    }
  }
  return true;
}
