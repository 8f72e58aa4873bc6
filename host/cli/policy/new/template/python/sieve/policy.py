"""SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
to the newest. It spares an entry that was used since it last came by, and takes the first that
was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
"""

from array import array

from contract import only
from slot_queue import SlotQueue, grow


class Policy:
    def __init__(self, config):
        """Called once: read the options here, and refuse unknown ones."""
        only(config.options, [])
        # The last to arrive at the front.
        self.arrival = SlotQueue()
        # By slot; 1: the entry was used.
        self.used = array("B")
        # The entry to look at next. None: the oldest.
        self.hand = None

    def touch(self, slot):
        """The entry was used."""
        self.used[slot] = 1

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        grow(self.used, slot + 1)
        self.used[slot] = 0
        self.arrival.push_front(slot)

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        if self.hand == slot:
            self.hand = self.arrival.before(slot)
        self.arrival.remove(slot)

    def victim(self):
        """Who leaves next? Forget it. None: nobody is left."""
        while True:
            slot = self.arrival.back() if self.hand is None else self.hand
            if slot is None:
                return None
            self.hand = self.arrival.before(slot)
            if not self.used[slot]:
                self.arrival.remove(slot)
                return slot
            self.used[slot] = 0
