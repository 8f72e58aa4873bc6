// CLOCK, or second chance: entries wait in a circle in the order of their arrival; the
// hand takes the first that was not used since it last came by. (F. J. Corbató, "A paging
// experiment with the Multics system", 1968.)
//
// No SDK: the one call of the contract, as wit/psycache-plugin.wit describes it.

// Slot -> { weight, used }. A Map keeps the order of insertion, and the hand stands at its
// first entry: one that is spared is taken out and put in again, behind all others.
const circle = new Map();
let maxVictims = 0;

function choose(need, freed, victims) {
  for (const [slot, entry] of circle) {
    if (freed >= need || victims.length >= maxVictims) break;
    circle.delete(slot);
    if (entry.used) {
      entry.used = false;
      circle.set(slot, entry); // the loop meets it again, after all others
    } else {
      victims.push(slot);
      freed += entry.weight;
    }
  }
  return freed;
}

export const policy = {
  configure(config) {
    if (config.options.length > 0) {
      throw { tag: 'unknown-option', val: config.options[0].name };
    }
    maxVictims = config.maxVictims;
  },

  step(touched, removed, admitted, hashes, attributes, need, now) {
    for (const slot of touched) {
      const entry = circle.get(slot);
      if (entry) entry.used = true;
    }
    for (const slot of removed) circle.delete(slot);
    // An admitted slot that is resident was overwritten: an access, and another weight.
    const stride = attributes.length / admitted.length;
    const newcomers = [];
    admitted.forEach((slot, at) => {
      const weight = attributes[at * stride];
      const entry = circle.get(slot);
      if (entry) Object.assign(entry, { weight, used: true });
      else newcomers.push([slot, { weight, used: false }]);
    });
    // Old entries leave before new ones come; new ones only where the old do not suffice.
    const wanted = Number(need); // below 2^53 by contract
    const victims = [];
    const freed = choose(wanted, 0, victims);
    for (const [slot, entry] of newcomers) circle.set(slot, entry);
    choose(wanted, freed, victims);
    return new Uint32Array(victims);
  },
};
