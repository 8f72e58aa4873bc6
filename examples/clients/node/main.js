// What a program does with a PsyCache cluster: ./run NODE,NODE,…
import { once } from "node:events";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import { connect } from "./connect.js";
import { Session } from "./session.js";

const values = async (cache) => {
  const { value } = await cache.get({ group: "scores", key: "Tom" });
  console.log(`get: ${value}`);

  await cache.set({ group: "scores", key: "Ada", value: Buffer.from("1815"), ttl_ms: 60_000 });
  console.log(`set: ${(await cache.get({ group: "scores", key: "Ada" })).value}`);

  const keys = ["Tom", "nobody", "Jack"];
  const { results } = await cache.getMany({ group: "scores", keys });
  results.forEach(({ found, failure }, place) =>
    console.log(`get of many: ${keys[place]} ${found?.value ?? grpc.status[failure.code]}`),
  );

  await cache.set({ group: "scores", key: "long", value: Buffer.alloc(5 << 20) });
  const long = await cache.get({ group: "scores", key: "long" });
  console.log(`long value: ${long.value.length}`);

  const removed = await cache.remove({ group: "scores", key: "Ada" });
  console.log(`removed: ${removed.existed}`);
};

const failure = (call) =>
  call.then(
    () => Promise.reject(new Error("it does not fail")),
    (failure) => failure,
  );

const failures = async (cache) => {
  const missing = await failure(cache.get({ group: "scores", key: "nobody" }));
  console.log(`missing key: ${missing.code} ${missing.reason}`);

  const unknown = await failure(cache.get({ group: "nowhere", key: "Tom" }));
  console.log(`unknown group: ${unknown.code} ${unknown.reason} ${unknown.details.group}`);

  const value = Buffer.alloc(17 << 20);
  const large = await failure(cache.set({ group: "scores", key: "large", value }));
  console.log(`large value: ${large.code} ${large.reason} ${large.details.limit}`);

  const late = await failure(cache.get({ group: "slow", key: "Tom" }, 100));
  console.log(`deadline: ${late.code}`);
};

if (process.argv.length !== 3) {
  console.error("Usage: run IPv4:PORT,IPv4:PORT,…   for example: run 127.0.0.1:7400,127.0.0.1:7402");
  process.exit(2);
}
const cache = connect(process.argv[2].split(","));
await values(cache);
await failures(cache);
// Streams are spread like calls: these go to two nodes.
const sessions = [new Session(cache), new Session(cache)];
const keys = Array.from({ length: 50 }, (_, call) => (call % 2 ? "Tom" : "Jack"));
const asked = keys.flatMap((key) => sessions.map((session) => session.get("scores", key)));
const scores = await Promise.all(asked);
console.log(`sessions: ${scores.map(Number).reduce((sum, score) => sum + score)}`);

let failed = 0;
let stopped = false;
const untilStopped = async (get) => {
  while (!stopped) {
    await get().catch((failure) => {
      failed += 1;
      console.error(failure);
    });
  }
};
const gets = Promise.all([
  untilStopped(() => cache.get({ group: "scores", key: "Tom" })),
  ...sessions.map((session) => untilStopped(() => session.get("scores", "Sam"))),
]);
console.log("Stop one of the nodes, and press Enter.");
const input = createInterface({ input: process.stdin });
await once(input, "line");
input.close();
for (let call = 0; call < 200; call += 1) {
  await cache.get({ group: "scores", key: "Jack" });
}
const both = await Promise.all(sessions.map((session) => session.get("scores", "Sam")));
console.log(`sessions: ${both.join(" ")}`);
stopped = true;
await gets;
console.log(`failed gets: ${failed}`);
sessions.forEach((session) => session.close());
cache.close();
