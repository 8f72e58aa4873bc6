"""SIEVE: entries stand in the order of their arrival, and a hand goes over them from the oldest
to the newest. It spares an entry that was used since it last came by, and takes the first that
was not (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
"""

from collections import OrderedDict

from contract import only


class Policy:
    def __init__(self, config):
        """Called once: read the options here, and refuse unknown ones."""
        only(config.options, [])
        # Slots, the oldest first, each with whether it was used. The hand stands between those
        # that it has passed and those ahead of it.
        self.passed = OrderedDict()
        self.ahead = OrderedDict()

    def touch(self, slot):
        """The entry was used."""
        self.side_of(slot)[slot] = True

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        self.ahead[slot] = False

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        del self.side_of(slot)[slot]
        self.turn()

    def victim(self):
        """Who leaves next? Forget it. None: nobody is left."""
        while self.ahead:
            slot, was_used = self.ahead.popitem(last=False)
            if was_used:
                self.passed[slot] = False
            self.turn()
            if not was_used:
                return slot
        return None

    def side_of(self, slot):
        return self.ahead if slot in self.ahead else self.passed

    def turn(self):
        """A hand that has passed the newest entry begins with the oldest."""
        if not self.ahead:
            self.ahead, self.passed = self.passed, self.ahead
