// Many calls at a time on one stream, which costs less than calls of their own.
import grpc from "@grpc/grpc-js";
import { Failure } from "./connect.js";

// After the stream has ended, the next call opens another.
export class Session {
  #cache;
  #stream;
  #lastId = 0;

  constructor(cache) {
    this.#cache = cache;
  }

  async get(group, key, timeout = 5_000) {
    const request = { get: { group, key } };
    const answer = await this.call(request, timeout).catch((failure) => {
      if (failure.code !== "UNAVAILABLE") throw failure;
      // The stream ended with its node. Another goes to another node.
      return this.call(request, timeout);
    });
    return answer.get.value;
  }

  // `request` has a field of SessionRequest: get, get_many, set, remove, …
  call(request, timeout = 5_000) {
    this.#stream ??= this.#open();
    const { stream, waiting } = this.#stream;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const late = () => {
        waiting.delete(id);
        const text = `no answer within ${timeout} ms`;
        reject(new Failure(grpc.status.DEADLINE_EXCEEDED, text));
      };
      waiting.set(id, { resolve, reject, timer: setTimeout(late, timeout) });
      stream.write({ id, timeout_ms: timeout, ...request });
    });
  }

  close() {
    this.#stream?.stream.end();
  }

  #open() {
    const opened = { stream: this.#cache.stream(), waiting: new Map() };
    const settle = (id, how) => {
      const call = opened.waiting.get(id);
      // Nobody waits any more for an answer that comes too late.
      if (!call) return;
      opened.waiting.delete(id);
      clearTimeout(call.timer);
      how(call);
    };
    const fail = (failure) => {
      if (this.#stream === opened) this.#stream = undefined;
      for (const id of [...opened.waiting.keys()]) settle(id, ({ reject }) => reject(failure));
    };
    opened.stream.on("data", ({ id, failure, ...answer }) =>
      settle(id, ({ resolve, reject }) =>
        failure
          ? reject(new Failure(failure.code, failure.message, failure.reason))
          : resolve(answer),
      ),
    );
    opened.stream.on("error", (error) => fail(Failure.of(error)));
    opened.stream.on("end", () =>
      fail(new Failure(grpc.status.UNAVAILABLE, "the stream has ended")),
    );
    return opened;
  }
}
