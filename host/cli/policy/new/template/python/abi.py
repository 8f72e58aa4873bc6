"""The calls of the node. Nothing has to be changed here."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import types

import contract
import policy

running = None


class Policy(exports.Policy):
    def configure(self, config):
        global running
        try:
            running = contract.Stepped(policy.Policy, config)
        except contract.UnknownOption as error:
            raise Err(types.ConfigError_UnknownOption(*error.args))
        except contract.MissingOption as error:
            raise Err(types.ConfigError_MissingOption(*error.args))
        except contract.InvalidValue as error:
            raise Err(types.ConfigError_InvalidValue(types.BadOption(*error.args)))

    def step(self, touched, removed, admitted, hashes, attributes, need, now):
        return running.step(touched, removed, admitted, hashes, attributes, need)
