// The policy against the model, by random steps.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Stepped } from './contract.js';
import { Model } from './model.js';
import { Policy } from './policy.js';

const capacity = 20;

const start = (options = []) => new Stepped(Policy, { capacity, maxVictims: capacity, options });

const step = (policy, { touched = [], removed = [], admitted = [], need = 0 }) => {
  const hashes = admitted.map(() => 7);
  const attributes = admitted.flatMap(() => [1, 0, 0]);
  return policy.step(touched, removed, admitted, hashes, attributes, need);
};

// Numbers that are the same in each run: mulberry32.
function random(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test('agrees with the model', () => {
  const policy = start();
  const model = new Model();
  const resident = new Set();
  const draw = random(1);
  for (let at = 0; at < 20_000; at++) {
    const slot = draw(2 * capacity);
    let expected = [];
    let happened;
    switch (draw(8)) {
      case 0: case 1: case 2: case 3: // comes, or is overwritten
        happened = { admitted: [slot], need: 0 };
        if (resident.has(slot)) {
          model.touch(slot);
          break;
        }
        if (resident.size === capacity) {
          happened.need = 1;
          expected = [model.victim()];
          resident.delete(expected[0]);
        }
        model.insert(slot);
        resident.add(slot);
        break;
      case 4: // is removed
        happened = { removed: [slot] };
        if (resident.delete(slot)) model.remove(slot);
        break;
      default: // is used
        happened = { touched: [slot] };
        if (resident.has(slot)) model.touch(slot);
    }
    assert.deepEqual(step(policy, happened), expected, `step ${at}: ${JSON.stringify(happened)}`);
  }
});

test('longer attributes are strided over', () => {
  const policy = start();
  policy.step([], [], [0, 1], [7, 8], [5, 0, 0, 9, 3, 0, 0, 9], 0);
  // 5 and 3 make 8, and nobody else is there.
  assert.deepEqual(step(policy, { need: 6 }), [0, 1]);
});

test('an option that there is not is refused', () => {
  const refused = { tag: 'unknown-option', val: 'k (there are no options)' };
  assert.throws(() => start([{ name: 'k', value: '2' }]), refused);
});
