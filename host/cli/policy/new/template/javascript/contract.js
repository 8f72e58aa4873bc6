// How a step of the contract becomes calls of a policy. Nothing has to be changed here;
// wit/psycache-plugin.wit has the words of the contract.
import { longer } from './queue.js';

// What a policy throws in its constructor if an option is wrong.
export const unknownOption = (name) => ({ tag: 'unknown-option', val: name });
export const missingOption = (name) => ({ tag: 'missing-option', val: name });
export const invalidValue = (name, problem) => ({ tag: 'invalid-value', val: { name, problem } });

// Refuses options that are not known, and options that are given twice.
export function only(options, known) {
  const hint = known.length > 0 ? `known: ${known.join(', ')}` : 'there are no options';
  const given = new Set();
  for (const { name } of options) {
    if (!known.includes(name)) throw unknownOption(`${name} (${hint})`);
    if (given.has(name)) throw invalidValue(name, 'is given twice');
    given.add(name);
  }
}

// Drives a policy by the steps of the contract. `touch` and `remove` name resident slots
// only, `insert` only slots that are not. A slot is resident from its `insert` until its
// `remove`, or until `victim` returns it. A policy with a method `overwrite(slot, entry)` is
// told of a value that was replaced; for others that is a `touch`.
export class Stepped {
  #policy;
  #maxVictims;
  // By slot; 0: nothing is resident there.
  #weights = new Uint32Array(1024);

  constructor(Policy, config) {
    this.#policy = new Policy(config);
    this.#maxVictims = config.maxVictims;
  }

  // Returns the victims, coldest first. Those that were resident before are asked first, and
  // those just admitted only if the others do not suffice: "evict, then insert", as the
  // definitions of policies have it.
  step(touched, removed, admitted, hashes, attributes, need) {
    for (let at = 0; at < touched.length; at++) {
      if (this.#isResident(touched[at])) this.#policy.touch(touched[at]);
    }
    for (let at = 0; at < removed.length; at++) {
      if (!this.#isResident(removed[at])) continue;
      this.#weights[removed[at]] = 0;
      this.#policy.remove(removed[at]);
    }
    // Later versions may append attributes.
    const stride = attributes.length / admitted.length;
    const entry = (at) => ({
      hash: Number(hashes[at]), // below 2^53 by contract
      weight: Math.max(attributes[at * stride], 1),
      costUs: attributes[at * stride + 1],
      ttlMs: attributes[at * stride + 2],
    });
    const newcomers = [];
    for (let at = 0; at < admitted.length; at++) {
      if (this.#isResident(admitted[at])) this.#overwrite(admitted[at], entry(at));
      else newcomers.push(at);
    }
    const victims = [];
    const freed = this.#choose(need, 0, victims);
    for (const at of newcomers) this.#insert(admitted[at], entry(at));
    this.#choose(need, freed, victims);
    return victims;
  }

  #isResident(slot) {
    return slot < this.#weights.length && this.#weights[slot] > 0;
  }

  #overwrite(slot, entry) {
    this.#weights[slot] = entry.weight;
    if (this.#policy.overwrite) this.#policy.overwrite(slot, entry);
    else this.#policy.touch(slot);
  }

  #insert(slot, entry) {
    if (slot >= this.#weights.length) this.#weights = longer(this.#weights, slot + 1);
    this.#weights[slot] = entry.weight;
    this.#policy.insert(slot, entry);
  }

  // Adds victims until they weigh `need`, and returns what they weigh.
  #choose(need, freed, victims) {
    while (freed < need && victims.length < this.#maxVictims) {
      const slot = this.#policy.victim();
      if (slot === undefined) break;
      freed += this.#weights[slot];
      this.#weights[slot] = 0;
      victims.push(slot);
    }
    return freed;
  }
}
