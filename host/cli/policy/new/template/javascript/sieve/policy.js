// SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
// to the newest. It spares an entry that was used since it last came by, and takes the first that
// was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
import { only } from './contract.js';
import { Queue, longer } from './queue.js';

export class Policy {
  // The last to arrive at the front.
  #arrival = new Queue();
  // By slot; 1: the entry was used.
  #used = new Uint8Array(1024);
  // The entry to look at next. Undefined: the oldest.
  #hand;

  // Called once: read the options here, and refuse unknown ones.
  constructor(config) {
    only(config.options, []);
  }

  // The entry was used.
  touch(slot) {
    this.#used[slot] = 1;
  }

  // The entry came; `entry` has its hash, weight, costUs and ttlMs.
  insert(slot, entry) {
    if (slot >= this.#used.length) this.#used = longer(this.#used, slot + 1);
    this.#used[slot] = 0;
    this.#arrival.pushFront(slot);
  }

  // The entry is gone, and not by this policy.
  remove(slot) {
    if (this.#hand === slot) this.#hand = this.#arrival.before(slot);
    this.#arrival.remove(slot);
  }

  // Who leaves next? Forget it. Undefined: nobody is left.
  victim() {
    for (;;) {
      const slot = this.#hand ?? this.#arrival.back();
      if (slot === undefined) return undefined;
      this.#hand = this.#arrival.before(slot);
      if (this.#used[slot] === 0) {
        this.#arrival.remove(slot);
        return slot;
      }
      this.#used[slot] = 0;
    }
  }
}
