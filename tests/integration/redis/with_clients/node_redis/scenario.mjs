// The scenario by node-redis.
import assert from "node:assert";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createClient } from "redis";

const answers = createInterface({ input: process.stdin });
const ask = async (word) => {
  const answered = once(answers, "line");
  console.log(word);
  await answered;
};
const client = async (name) => {
  const url = `redis://${process.env[name]}/0`;
  // Without the queue, a command fails while the node is away.
  const client = createClient({ url, name: "scenario", disableOfflineQueue: true });
  // It reports that it reconnects, and does.
  client.on("error", () => {});
  return client.connect();
};

const [first, second] = [await client("FIRST"), await client("SECOND")];
assert.equal(await first.get("Tom"), "630");
assert.equal(await first.get("nobody"), null);
assert.equal(await first.set("Ada", "1815", { EX: 60 }), "OK");
assert.equal(await second.get("Ada"), "1815");
await first.mSet({ a: "1", b: "2" });
assert.deepEqual(await second.mGet(["a", "nobody", "b"]), ["1", null, "2"]);
assert.equal(await first.del(["a", "b", "c"]), 2);

// What is asked in one turn is sent as a pipeline.
const keys = Array.from({ length: 500 }, (_, number) => `key-${number}`);
await Promise.all(keys.map((key, number) => first.set(key, String(number))));
const values = await Promise.all(keys.map((key) => first.get(key)));
assert.deepEqual(values, keys.map((_, number) => String(number)));

await assert.rejects(first.incr("Ada"), /this cache has GET/);

await ask("kill");
await assert.rejects(first.sendCommand(["GET", "Tom"]));
assert.equal(await second.get("Tom"), "630");
const back = new Promise((resolve) => first.once("ready", resolve));
await ask("start");
await back;
assert.equal(await first.get("Tom"), "630");
assert.equal(await first.flushDb(), "OK");
console.log("end");
process.exit(0);
