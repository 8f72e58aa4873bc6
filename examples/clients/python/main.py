"""What a program does with a PsyCache cluster: ./run NODE,NODE,…"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

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
    for key, result in zip(keys, cache.GetMany(pb.GetManyRequest(group="scores", keys=keys)).results):
        found = result.WhichOneof("result") == "found"
        print(f"get of many: {key}", result.found.value.decode() if found else code(result.failure.code).name)

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


def gets_until(stopped: threading.Event, cache: cache_pb2_grpc.CacheStub) -> int:
    """How many gets fail until then."""
    failed = 0
    while not stopped.is_set():
        try:
            cache.Get(pb.GetRequest(group="scores", key="Tom"))
        except grpc.RpcError as error:
            failed += 1
            print(Failure.of(error), file=sys.stderr)
    return failed


def main(nodes: str):
    with connect(nodes.split(",")) as channel, ThreadPoolExecutor(20) as threads:
        cache = cache_pb2_grpc.CacheStub(channel)
        values(cache)
        errors(cache)
        session = Session(cache)
        answers = threads.map(lambda key: session.get("scores", key), ["Tom", "Jack"] * 50)
        print("session:", sum(map(int, answers)))

        stopped = threading.Event()
        failed = threads.submit(gets_until, stopped, cache)
        print("Stop one of the nodes, and press Enter.", flush=True)
        sys.stdin.readline()
        for _ in range(200):
            cache.Get(pb.GetRequest(group="scores", key="Jack"))
        print("session:", session.get("scores", "Sam").decode())
        stopped.set()
        print("failed gets:", failed.result())
        session.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: run NODE,NODE,…   for example: run 127.0.0.1:7400,127.0.0.1:7402")
    main(sys.argv[1])
