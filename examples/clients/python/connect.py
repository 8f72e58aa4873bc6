"""A channel to the nodes of a PsyCache cluster, and the errors of calls on it."""

import json

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

CACHE = "psycache.v1.Cache"

SERVICE_CONFIG = {
    # Each node answers for every key, so calls are spread over those that are there.
    "loadBalancingConfig": [{"round_robin": {}}],
    # A node that is about to stop says so, and gets no more calls.
    "healthCheckConfig": {"serviceName": CACHE},
    "methodConfig": [
        {
            "name": [{"service": CACHE}],
            # Without this, a call waits for ever. A call may ask for less.
            "timeout": "5s",
            # The next try goes to another node. All calls can be repeated, but a set that is
            # repeated may replace what another client has set since.
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        },
        # A session lasts; each of its calls has a time of its own.
        {"name": [{"service": CACHE, "method": "Session"}]},
    ],
}

OPTIONS = [
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    # An answer has up to 64 MiB of values. The library refuses more than 4 MiB by itself.
    ("grpc.max_receive_message_length", 65 << 20),
    # Without this, a node that lost its power is noticed only after minutes.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]


def connect(nodes: list[str]) -> grpc.Channel:
    """Several nodes are given as IPv4:PORT; one may be NAME:PORT, for all addresses it has."""
    target = f"dns:///{nodes[0]}" if len(nodes) == 1 else f"ipv4:{','.join(nodes)}"
    # Without this, the whole list is sent as the host of each call, and no server takes that.
    host = ("grpc.default_authority", nodes[0])
    return grpc.insecure_channel(target, [*OPTIONS, host])


class Failure(Exception):
    """Why a call failed."""

    def __init__(self, code: grpc.StatusCode, message: str, reason="", details=None):
        super().__init__(message)
        self.code = code
        self.message = message
        # That of google.rpc.ErrorInfo; empty if the error is not a node's but this library's.
        self.reason = reason
        self.details = details or {}

    @classmethod
    def of(cls, error: grpc.RpcError) -> "Failure":
        status = rpc_status.from_call(error)
        info = error_details_pb2.ErrorInfo()
        for detail in status.details if status else ():
            if detail.Unpack(info):
                break
        return cls(error.code(), error.details(), info.reason, dict(info.metadata))


def code(number: int) -> grpc.StatusCode:
    """The code of a failure inside an answer."""
    known = (code for code in grpc.StatusCode if code.value[0] == number)
    return next(known, grpc.StatusCode.UNKNOWN)
