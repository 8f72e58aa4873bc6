"""The policy's rule, written without a thought for speed."""


class Model:
    def __init__(self):
        self.slots = []  # the oldest first

    def touch(self, slot):
        """Write here: the rule of your policy, in the plainest way."""

    def insert(self, slot):
        self.slots.append(slot)

    def remove(self, slot):
        self.slots.remove(slot)

    def victim(self):
        return self.slots.pop(0)
