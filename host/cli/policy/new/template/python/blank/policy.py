"""FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.

"Write here" marks what to replace.
"""

from collections import OrderedDict

from contract import only


class Policy:
    def __init__(self, config):
        """Called once."""
        # Write here: read options from config.options, and give their names to only.
        only(config.options, [])
        # Slots, the oldest first. Write here: the policy's state, by slot.
        self.arrival = OrderedDict()

    def touch(self, slot):
        """The entry was used."""
        # Write here: what a use changes. In a FIFO it changes nothing.

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        # Write here: where a new entry stands.
        self.arrival[slot] = None

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        # Write here: forget it.
        del self.arrival[slot]

    def victim(self):
        """Who leaves next? None: nobody is left."""
        # Write here: choose an entry, and forget it.
        if not self.arrival:
            return None
        return self.arrival.popitem(last=False)[0]
