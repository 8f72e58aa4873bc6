// FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.
// "Write here" marks what to replace.
import { only } from './contract.js';
import { Queue } from './queue.js';

export class Policy {
  // The last to arrive at the front. Write here: the policy's state, by slot.
  #arrival = new Queue();

  // Called once.
  constructor(config) {
    // Write here: read options from config.options, and give their names to only.
    only(config.options, []);
  }

  // The entry was used.
  touch(slot) {
    // Write here: what a use changes. In a FIFO it changes nothing.
  }

  // The entry came; `entry` has its hash, weight, costUs and ttlMs.
  insert(slot, entry) {
    // Write here: where a new entry stands.
    this.#arrival.pushFront(slot);
  }

  // The entry is gone, and not by this policy.
  remove(slot) {
    // Write here: forget it.
    this.#arrival.remove(slot);
  }

  // Who leaves next? Undefined: nobody is left.
  victim() {
    // Write here: choose an entry, and forget it.
    const slot = this.#arrival.back();
    if (slot !== undefined) this.#arrival.remove(slot);
    return slot;
  }
}
