// Slots in an order: a linked list in two arrays. Every call takes the same time, which a Map
// and a Set of QuickJS do not promise.
export class Queue {
  // Neighbours of each slot, one place beyond its number: place 0 is the queue itself, whose
  // next is the front and whose previous is the back.
  #previous = new Uint32Array(1024);
  #next = new Uint32Array(1024);

  // Puts a slot that is not in the queue at its front.
  pushFront(slot) {
    const at = slot + 1;
    if (at >= this.#next.length) {
      this.#previous = longer(this.#previous, at + 1);
      this.#next = longer(this.#next, at + 1);
    }
    const front = this.#next[0];
    this.#previous[at] = 0;
    this.#next[at] = front;
    this.#previous[front] = at;
    this.#next[0] = at;
  }

  // Takes a slot out that is in the queue.
  remove(slot) {
    const previous = this.#previous[slot + 1];
    const next = this.#next[slot + 1];
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  // The slot at the back. Undefined: the queue is empty.
  back() {
    const back = this.#previous[0];
    return back === 0 ? undefined : back - 1;
  }

  // The next slot towards the front. Undefined: `slot` is at the front.
  before(slot) {
    const before = this.#previous[slot + 1];
    return before === 0 ? undefined : before - 1;
  }
}

// A copy with room for at least `len` numbers; the new ones are 0.
export function longer(array, len) {
  const copy = new array.constructor(Math.max(2 * array.length, len));
  copy.set(array);
  return copy;
}
