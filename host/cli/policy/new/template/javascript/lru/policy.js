// LRU: the entry whose last use lies furthest back leaves first.
import { only } from './contract.js';
import { Queue } from './queue.js';

export class Policy {
  // The last used at the front.
  #recency = new Queue();

  // Called once: read the options here, and refuse unknown ones.
  constructor(config) {
    only(config.options, []);
  }

  // The entry was used.
  touch(slot) {
    this.#recency.remove(slot);
    this.#recency.pushFront(slot);
  }

  // The entry came; `entry` has its hash, weight, costUs and ttlMs.
  insert(slot, entry) {
    this.#recency.pushFront(slot);
  }

  // The entry is gone, and not by this policy.
  remove(slot) {
    this.#recency.remove(slot);
  }

  // Who leaves next? Forget it. Undefined: nobody is left.
  victim() {
    const slot = this.#recency.back();
    if (slot !== undefined) this.#recency.remove(slot);
    return slot;
  }
}
