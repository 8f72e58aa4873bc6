"""FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.

"Write here" marks what to replace.
"""

from contract import only
from slot_queue import SlotQueue


class Policy:
    def __init__(self, config):
        """Called once."""
        # Write here: read options from config.options, and give their names to only.
        only(config.options, [])
        # The last to arrive at the front. Write here: the policy's state, by slot.
        self.arrival = SlotQueue()

    def touch(self, slot):
        """The entry was used."""
        # Write here: what a use changes. In a FIFO it changes nothing.

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        # Write here: where a new entry stands.
        self.arrival.push_front(slot)

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        # Write here: forget it.
        self.arrival.remove(slot)

    def victim(self):
        """Who leaves next? None: nobody is left."""
        # Write here: choose an entry, and forget it.
        slot = self.arrival.back()
        if slot is not None:
            self.arrival.remove(slot)
        return slot
