// The calls of the node. Nothing has to be changed here.
import { Stepped } from './contract.js';
import { Policy } from './policy.js';

let running;

export const policy = {
  configure(config) {
    running = new Stepped(Policy, config);
  },

  step(touched, removed, admitted, hashes, attributes, need, now) {
    return running.step(touched, removed, admitted, hashes, attributes, Number(need));
  },
};
