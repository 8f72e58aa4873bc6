"""What a program does with a PsyCache cluster: ./run NODE,NODE,…"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
from psycache.v1 import cache_pb2 as pb
from psycache.v1 import cache_pb2_grpc

from connect import Failure, code, connect
from session import Session


def failure(call, *arguments, **options) -> Failure:
    try:
        call(*arguments, **options)
    except grpc.RpcError as error:
        return Failure.of(error)
    raise AssertionError("it does not fail")


def values(cache: cache_pb2_grpc.CacheStub):
    request = pb.GetRequest(group="scores", key="Tom")
    print("get:", cache.Get(request).value.decode())

    cache.Set(pb.SetRequest(group="scores", key="Ada", value=b"1815", ttl_ms=60_000))
    print("set:", cache.Get(pb.GetRequest(group="scores", key="Ada")).value.decode())

    keys = ["Tom", "nobody", "Jack"]
    results = cache.GetMany(pb.GetManyRequest(group="scores", keys=keys)).results
    for key, result in zip(keys, results, strict=True):
        if result.HasField("found"):
            print("get of many:", key, result.found.value.decode())
        else:
            print("get of many:", key, code(result.failure.code).name)

    cache.Set(pb.SetRequest(group="scores", key="long", value=bytes(5 << 20)))
    print("long value:", len(cache.Get(pb.GetRequest(group="scores", key="long")).value))

    print("removed:", cache.Remove(pb.RemoveRequest(group="scores", key="Ada")).existed)


def errors(cache: cache_pb2_grpc.CacheStub):
    missing = failure(cache.Get, pb.GetRequest(group="scores", key="nobody"))
    print("missing key:", missing.code.name, missing.reason)

    unknown = failure(cache.Get, pb.GetRequest(group="nowhere", key="Tom"))
    print("unknown group:", unknown.code.name, unknown.reason, unknown.details["group"])

    large = failure(cache.Set, pb.SetRequest(group="scores", key="large", value=bytes(17 << 20)))
    print("large value:", large.code.name, large.reason, large.details["limit"])

    late = failure(cache.Get, pb.GetRequest(group="slow", key="Tom"), timeout=0.1)
    print("deadline:", late.code.name)


def failed_until(stopped: threading.Event, get) -> int:
    """How many gets fail until then."""
    failed = 0
    while not stopped.is_set():
        try:
            get()
        except (grpc.RpcError, Failure) as error:
            failed += 1
            print(error, file=sys.stderr)
    return failed


def main(nodes: str):
    with connect(nodes.split(",")) as channel, ThreadPoolExecutor(20) as threads:
        cache = cache_pb2_grpc.CacheStub(channel)
        values(cache)
        errors(cache)
        # Streams are spread like calls: these go to two nodes.
        sessions = [Session(cache), Session(cache)]
        asked = [(session, key) for session in sessions for key in ["Tom", "Jack"] * 25]
        answers = threads.map(lambda ask: ask[0].get("scores", ask[1]), asked)
        print("sessions:", sum(map(int, answers)))

        stopped = threading.Event()
        gets = [partial(session.get, "scores", "Sam") for session in sessions]
        gets.append(partial(cache.Get, pb.GetRequest(group="scores", key="Tom")))
        failed = [threads.submit(failed_until, stopped, get) for get in gets]
        print("Stop one of the nodes, and press Enter.", flush=True)
        sys.stdin.readline()
        for _ in range(200):
            cache.Get(pb.GetRequest(group="scores", key="Jack"))
        print("sessions:", *(session.get("scores", "Sam").decode() for session in sessions))
        stopped.set()
        print("failed gets:", sum(future.result() for future in failed))
        for session in sessions:
            session.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: run IPv4:PORT,IPv4:PORT,…   for example: run 127.0.0.1:7400,127.0.0.1:7402")
    main(sys.argv[1])
