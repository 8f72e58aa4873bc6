// The policy's rule, written without a thought for speed.
export class Model {
  #slots = []; // the coldest first

  touch(slot) {
    this.remove(slot);
    this.insert(slot);
  }

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
