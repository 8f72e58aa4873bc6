"""LRU: the entry whose last use lies furthest back leaves first."""

from contract import only
from slot_queue import SlotQueue


class Policy:
    def __init__(self, config):
        """Called once: read the options here, and refuse unknown ones."""
        only(config.options, [])
        # The last used at the front.
        self.recency = SlotQueue()

    def touch(self, slot):
        """The entry was used."""
        self.recency.remove(slot)
        self.recency.push_front(slot)

    def insert(self, slot, entry):
        """The entry came; `entry` has its hash, weight, cost_us and ttl_ms."""
        self.recency.push_front(slot)

    def remove(self, slot):
        """The entry is gone, and not by this policy."""
        self.recency.remove(slot)

    def victim(self):
        """Who leaves next? Forget it. None: nobody is left."""
        slot = self.recency.back()
        if slot is not None:
            self.recency.remove(slot)
        return slot
