"""LRU: the entry whose last use lies furthest back leaves first."""

from collections import OrderedDict

from contract import only


class Policy:
    def __init__(self, config):
        """Called once: read the options here, and refuse unknown ones."""
        only(config.options, [])
        # Slots, the last used at the end.
        self.recency = OrderedDict()

    def touch(self, slot):
        """The entry was used."""
        self.recency.move_to_end(slot)

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        self.recency[slot] = None

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        del self.recency[slot]

    def victim(self):
        """Who leaves next? Forget it. None: nobody is left."""
        if not self.recency:
            return None
        return self.recency.popitem(last=False)[0]
