// LRU: the entry whose last use lies furthest back leaves first.
import { only } from './contract.js';

export class Policy {
  // A Set keeps the order in which slots were put in: the last used at its end.
  #recency = new Set();

  // Called once: read the options here, and refuse those that there are not.
  constructor(config) {
    only(config.options, []);
  }

  // The entry was used.
  touch(slot) {
    this.#recency.delete(slot);
    this.#recency.add(slot);
  }

  // The entry came; `entry` has its hash, weight, costUs and ttlMs.
  insert(slot, entry) {
    this.#recency.add(slot);
  }

  // The entry is gone, and not by this policy.
  remove(slot) {
    this.#recency.delete(slot);
  }

  // Who leaves next? Forget it. Undefined: nobody is left.
  victim() {
    const { value: slot } = this.#recency.values().next();
    this.#recency.delete(slot);
    return slot;
  }
}
