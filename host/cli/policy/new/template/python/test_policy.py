"""The policy against the model, by random steps."""

import random
import unittest
from types import SimpleNamespace

from contract import Stepped, UnknownOption
from model import Model
from policy import Policy

CAPACITY = 20


def start(*options):
    config = SimpleNamespace(capacity=CAPACITY, max_victims=CAPACITY, options=options)
    return Stepped(Policy, config)


def step(policy, touched=(), removed=(), admitted=(), need=0):
    hashes, attributes = [7] * len(admitted), [1, 0, 0] * len(admitted)
    return policy.step(touched, removed, admitted, hashes, attributes, need)


class TestPolicy(unittest.TestCase):
    def test_agrees_with_the_model(self):
        policy, model, resident = start(), Model(), set()
        draw = random.Random(1)
        for at in range(20_000):
            slot, expected = draw.randrange(2 * CAPACITY), []
            what = draw.choice(4 * ["admitted"] + ["removed"] + 3 * ["touched"])
            happened = {what: [slot]}
            if what == "admitted" and slot not in resident:
                if len(resident) == CAPACITY:
                    happened["need"], expected = 1, [model.victim()]
                    resident.remove(expected[0])
                model.insert(slot)
                resident.add(slot)
            elif what == "removed" and slot in resident:
                model.remove(slot)
                resident.remove(slot)
            elif slot in resident:  # overwritten, or used
                model.touch(slot)
            self.assertEqual(step(policy, **happened), expected, f"step {at}: {happened}")

    def test_longer_attributes_are_strided_over(self):
        policy = start()
        policy.step([], [], [0, 1], [7, 8], [5, 0, 0, 9, 3, 0, 0, 9], 0)
        # 5 and 3 make 8, and nobody else is there.
        self.assertEqual(step(policy, need=6), [0, 1])

    def test_a_victim_that_is_not_resident_is_an_error(self):
        policy = start()
        step(policy, admitted=[0])
        policy.policy.victim = lambda: 7
        with self.assertRaisesRegex(ValueError, "the victim 7 is not resident"):
            step(policy, need=1)

    def test_an_option_that_there_is_not_is_refused(self):
        with self.assertRaisesRegex(UnknownOption, r"k \(there are no options\)"):
            start(SimpleNamespace(name="k", value="2"))


if __name__ == "__main__":
    unittest.main()
