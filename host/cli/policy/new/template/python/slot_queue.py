"""Slots in an order: a linked list in two arrays.

Apart from growing, which copies plain bytes, a call takes the same time however many slots there
are. A dict of a million slots is hashed anew when it grows, in one step, which takes longer than a node
lets a step take.
"""

from array import array


class SlotQueue:
    def __init__(self):
        # Neighbours of each slot, one place beyond its number: place 0 is the queue itself, whose
        # next is the front and whose previous is the back.
        self._previous = array("I", [0])
        self._next = array("I", [0])

    def push_front(self, slot):
        """Puts a slot that is not in the queue at its front."""
        at = slot + 1
        grow(self._previous, at + 1)
        grow(self._next, at + 1)
        front = self._next[0]
        self._previous[at] = 0
        self._next[at] = front
        self._previous[front] = at
        self._next[0] = at

    def remove(self, slot):
        """Takes a slot out that is in the queue."""
        previous, following = self._previous[slot + 1], self._next[slot + 1]
        self._next[previous] = following
        self._previous[following] = previous

    def back(self):
        """The slot at the back. None: the queue is empty."""
        back = self._previous[0]
        return back - 1 if back else None

    def before(self, slot):
        """The next slot towards the front. None: `slot` is at the front."""
        before = self._previous[slot + 1]
        return before - 1 if before else None


def grow(numbers, length):
    """Makes an array at least so long; the new numbers are 0."""
    if length > len(numbers):
        new = max(length - len(numbers), len(numbers), 1024)
        numbers.frombytes(bytes(new * numbers.itemsize))
