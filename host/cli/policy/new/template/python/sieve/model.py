"""The policy's rule, written without a thought for speed."""


class Model:
    def __init__(self):
        self.slots = []  # the oldest first
        self.used = set()  # since the hand last came by
        self.hand = 0  # place of the entry to look at next

    def touch(self, slot):
        self.used.add(slot)

    def insert(self, slot):
        self.wrap()
        self.slots.append(slot)

    def remove(self, slot):
        at = self.slots.index(slot)
        del self.slots[at]
        self.used.discard(slot)
        if at < self.hand:
            self.hand -= 1

    def victim(self):
        self.wrap()
        while self.slots[self.hand] in self.used:
            self.used.remove(self.slots[self.hand])
            self.hand += 1
            self.wrap()
        return self.slots.pop(self.hand)

    def wrap(self):
        """A hand that has passed the newest entry begins with the oldest."""
        if self.hand == len(self.slots):
            self.hand = 0
