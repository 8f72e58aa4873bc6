// The policy's rule, written without a thought for speed.
export class Model {
  #slots = []; // the oldest first

  // Write here: the rule of your policy, in the plainest way.
  touch(slot) {}

  insert(slot) {
    this.#slots.push(slot);
  }

  remove(slot) {
    this.#slots.splice(this.#slots.indexOf(slot), 1);
  }

  victim() {
    return this.#slots.shift();
  }
}
