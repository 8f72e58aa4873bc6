"""Many calls at a time on one stream, which costs less than calls of their own."""

import queue
import threading
from concurrent.futures import Future

import grpc
from psycache.v1 import cache_pb2, cache_pb2_grpc

from connect import Failure, code


class Session:
    """Threads may share it. After the stream has ended, the next call opens another."""

    def __init__(self, stub: cache_pb2_grpc.CacheStub):
        self._stub = stub
        self._lock = threading.Lock()
        self._requests = None
        self._waiting = {}
        self._last_id = 0

    def get(self, group: str, key: str, timeout: float = 5) -> bytes:
        request = cache_pb2.GetRequest(group=group, key=key)
        try:
            return self.call(timeout, get=request).get.value
        except Failure as failure:
            if failure.code != grpc.StatusCode.UNAVAILABLE:
                raise
        # The stream ended with its node. Another goes to another node.
        return self.call(timeout, get=request).get.value

    def call(self, timeout: float, **call) -> cache_pb2.SessionResponse:
        """`call` is a field of SessionRequest: get, get_many, set, remove, …"""
        answer = Future()
        with self._lock:
            if self._requests is None:
                self._open()
            waiting, self._last_id = self._waiting, self._last_id + 1
            request = cache_pb2.SessionRequest(
                id=self._last_id, timeout_ms=int(timeout * 1000), **call
            )
            waiting[request.id] = answer
            self._requests.put(request)
        try:
            response = answer.result(timeout)
        except TimeoutError:
            waiting.pop(request.id, None)
            text = f"no answer within {timeout} s"
            raise Failure(grpc.StatusCode.DEADLINE_EXCEEDED, text) from None
        if response.HasField("failure"):
            failure = response.failure
            raise Failure(code(failure.code), failure.message, failure.reason)
        return response

    def close(self):
        with self._lock:
            if self._requests is not None:
                self._requests.put(None)

    def _open(self):
        self._requests, self._waiting = queue.SimpleQueue(), {}
        stream = self._stub.Session(iter(self._requests.get, None))
        arguments = stream, self._requests, self._waiting
        threading.Thread(target=self._read, args=arguments, daemon=True).start()

    def _read(self, stream, requests, waiting):
        failure = Failure(grpc.StatusCode.UNAVAILABLE, "the stream has ended")
        try:
            for response in stream:
                # Nobody waits any more for an answer that comes too late.
                if answer := waiting.pop(response.id, None):
                    answer.set_result(response)
        except grpc.RpcError as error:
            failure = Failure.of(error)
        with self._lock:
            if self._requests is requests:
                self._requests = None
        requests.put(None)
        for answer in list(waiting.values()):
            answer.set_exception(failure)
