"""How a step of the contract becomes calls of a policy.

Nothing has to be changed here; wit/psycache-plugin.wit has the words of the contract.
"""

from array import array
from typing import NamedTuple

from slot_queue import grow


class Entry(NamedTuple):
    """What the node tells of an entry when it is stored."""

    hash: int  # of the key; ghost lists know an entry by it
    weight: int  # its share of the capacity, at least 1
    cost_us: int  # microseconds that the value took to load, 0 if it was set
    ttl_ms: int  # time to live in milliseconds, 0 for none


class UnknownOption(Exception):
    """UnknownOption(name)"""


class MissingOption(Exception):
    """MissingOption(name)"""


class InvalidValue(Exception):
    """InvalidValue(name, problem)"""


def only(options, known):
    """Refuses options that are not known, and options that are given twice."""
    hint = f"known: {', '.join(known)}" if known else "there are no options"
    given = set()
    for option in options:
        if option.name not in known:
            raise UnknownOption(f"{option.name} ({hint})")
        if option.name in given:
            raise InvalidValue(option.name, "is given twice")
        given.add(option.name)


class Stepped:
    """Drives a policy by the steps of the contract.

    `touch` and `remove` name resident slots only, `insert` only slots that are not. A slot is
    resident from its `insert` until its `remove`, or until `victim` returns it. A policy with
    a method `overwrite(slot, entry)` is told of a value that was replaced; for others that is
    a `touch`.
    """

    def __init__(self, policy_class, config):
        self.policy = policy_class(config)
        self.max_victims = config.max_victims
        # By slot; 0: nothing is resident there.
        self.weights = array("I")
        touch = self.policy.touch
        self.overwrite = getattr(self.policy, "overwrite", lambda slot, entry: touch(slot))

    def step(self, touched, removed, admitted, hashes, attributes, need):
        """Returns the victims, coldest first.

        Those that were resident before are asked first, and those just admitted only if the
        others do not suffice: "evict, then insert", as the definitions of policies have it.
        """
        weights, policy = self.weights, self.policy
        for slot in touched:
            if self.is_resident(slot):
                policy.touch(slot)
        for slot in removed:
            if self.is_resident(slot):
                weights[slot] = 0
                policy.remove(slot)
        newcomers = []
        # Later versions may append attributes.
        stride = len(attributes) // max(len(admitted), 1)
        for at, slot in enumerate(admitted):
            weight, cost_us, ttl_ms = attributes[at * stride : at * stride + 3]
            entry = Entry(hashes[at], max(weight, 1), cost_us, ttl_ms)
            if self.is_resident(slot):
                weights[slot] = entry.weight
                self.overwrite(slot, entry)
            else:
                newcomers.append((slot, entry))
        victims = []
        freed = self.choose(need, 0, victims)
        for slot, entry in newcomers:
            grow(weights, slot + 1)
            weights[slot] = entry.weight
            policy.insert(slot, entry)
        self.choose(need, freed, victims)
        return victims

    def is_resident(self, slot):
        return 0 <= slot < len(self.weights) and self.weights[slot] > 0

    def choose(self, need, freed, victims):
        """Adds victims until they weigh `need`, and returns what they weigh."""
        while freed < need and len(victims) < self.max_victims:
            slot = self.policy.victim()
            if slot is None:
                break
            if not self.is_resident(slot):
                raise ValueError(f"the victim {slot} is not resident")
            freed += self.weights[slot]
            self.weights[slot] = 0
            victims.append(slot)
        return freed
