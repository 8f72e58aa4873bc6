// What a policy is: the functions that policy.c has. Nothing has to be changed here.
#pragma once
#include "support.h"

// The policy works on one slot at a time. touch, overwrite and remove_entry name resident
// slots only, insert only slots that are not. A slot is resident from its insert until its
// remove_entry, or until victim names it.
bool configure(const struct config *config, struct refusal *refusal);
void touch(uint32_t slot);
void overwrite(uint32_t slot, const struct entry *entry);
void insert(uint32_t slot, const struct entry *entry);
void remove_entry(uint32_t slot);
bool victim(uint32_t *slot);
