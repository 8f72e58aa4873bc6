// The policy's rule, written without a thought for speed.
export class Model {
  #slots = []; // the oldest first
  #used = new Set(); // since the hand last came by
  #hand = 0; // place of the entry to look at next

  touch(slot) {
    this.#used.add(slot);
  }

  insert(slot) {
    this.#wrap();
    this.#slots.push(slot);
  }

  remove(slot) {
    const at = this.#slots.indexOf(slot);
    this.#slots.splice(at, 1);
    this.#used.delete(slot);
    if (at < this.#hand) this.#hand--;
  }

  victim() {
    this.#wrap();
    while (this.#used.delete(this.#slots[this.#hand])) {
      this.#hand++;
      this.#wrap();
    }
    return this.#slots.splice(this.#hand, 1)[0];
  }

  // A hand that has passed the newest entry begins with the oldest.
  #wrap() {
    if (this.#hand === this.#slots.length) this.#hand = 0;
  }
}
