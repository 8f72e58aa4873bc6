"""The scenario by redis-py."""

import os
import redis


def client(name):
    host, port = os.environ[name].split(":")
    return redis.Redis(host=host, port=int(port), decode_responses=True)


def ask(word):
    print(word, flush=True)
    input()


first, second = client("FIRST"), client("SECOND")
assert first.ping()
assert first.get("Tom") == "630"
assert first.get("nobody") is None
assert first.set("Ada", "1815", ex=100)
assert 0 < first.ttl("Ada") <= 100 or first.ttl("Ada") == -2
assert second.get("Ada") == "1815"
assert first.mset({"a": "1", "b": "2"})
assert second.mget(["a", "nobody", "b"]) == ["1", None, "2"]
assert first.delete("a", "b", "c") == 2
assert first.info()["redis_version"].startswith("7.")
assert first.client_setname("scenario") and first.client_getname() == "scenario"
assert any(one["name"] == "scenario" for one in first.client_list())

pipeline = first.pipeline(transaction=False)
for number in range(500):
    pipeline.set(f"key-{number}", number)
for number in range(500):
    pipeline.get(f"key-{number}")
assert pipeline.execute() == [True] * 500 + [str(number) for number in range(500)]

try:
    first.incr("Ada")
    raise AssertionError("INCR is not refused")
except redis.ResponseError as error:
    assert "this cache has GET" in str(error), error

ask("kill")
try:
    first.get("Tom")
    raise AssertionError("a killed node answers")
except redis.ConnectionError:
    pass
assert second.get("Tom") == "630"
ask("start")
assert first.get("Tom") == "630"
assert first.flushdb()
assert second.get("Ada") is None
print("end")
