"""The policy against a model: the same rule, written without a thought for speed."""

import random
import unittest
from types import SimpleNamespace

from contract import Stepped, UnknownOption
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
        policy, model = start(), []  # slots, the coldest first
        draw = random.Random(1)
        for at in range(20_000):
            slot = draw.randrange(CAPACITY + 1)  # resident or not
            is_resident, expected = slot in model, []
            what = draw.choice(["admitted", "removed", "touched", "touched"])
            happened = {what: [slot]}
            if what == "admitted" and not is_resident and len(model) == CAPACITY:
                happened["need"], expected = 1, [model.pop(0)]
            if is_resident:
                model.remove(slot)
            # It came, was overwritten, or was used.
            if what == "admitted" or (what == "touched" and is_resident):
                model.append(slot)
            self.assertEqual(step(policy, **happened), expected, f"step {at}: {happened}")

    def test_longer_attributes_are_strided_over(self):
        policy = start()
        policy.step([], [], [0, 1], [7, 8], [5, 0, 0, 9, 3, 0, 0, 9], 0)
        # 5 and 3 make 8, and nobody else is there.
        self.assertEqual(step(policy, need=6), [0, 1])

    def test_an_option_that_there_is_not_is_refused(self):
        with self.assertRaisesRegex(UnknownOption, r"k \(there are no options\)"):
            start(SimpleNamespace(name="k", value="2"))


if __name__ == "__main__":
    unittest.main()
