// Slots in an order: a linked list in one array. Every call takes the same time.
#pragma once
#include "support.h"

struct queue {
  // Neighbours of each slot, one place beyond its number: place 0 is the queue itself, whose
  // next is the front and whose previous is the back.
  struct link { uint32_t previous, next; } *links;
  size_t len;
};

// Puts a slot that is not in the queue at its front.
static inline void queue_push_front(struct queue *queue, uint32_t slot) {
  uint32_t at = slot + 1;
  queue->links = grow(queue->links, &queue->len, (size_t)at + 1, sizeof *queue->links);
  uint32_t front = queue->links[0].next;
  queue->links[at].previous = 0;
  queue->links[at].next = front;
  queue->links[front].previous = at;
  queue->links[0].next = at;
}

// Takes a slot out that is in the queue.
static inline void queue_remove(struct queue *queue, uint32_t slot) {
  uint32_t previous = queue->links[slot + 1].previous, next = queue->links[slot + 1].next;
  queue->links[previous].next = next;
  queue->links[next].previous = previous;
}

// The slot at the back. False: the queue is empty.
static inline bool queue_back(const struct queue *queue, uint32_t *slot) {
  if (queue->len == 0 || queue->links[0].previous == 0) return false;
  *slot = queue->links[0].previous - 1;
  return true;
}

// The next slot towards the front. False: `slot` is at the front.
static inline bool queue_before(const struct queue *queue, uint32_t slot, uint32_t *before) {
  uint32_t at = queue->links[slot + 1].previous;
  if (at == 0) return false;
  *before = at - 1;
  return true;
}
