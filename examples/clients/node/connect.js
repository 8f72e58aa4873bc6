// A client of the nodes of a PsyCache cluster, and the errors of its calls.
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const options = { keepCase: true, longs: Number, enums: String, oneofs: true };
const proto = loadSync(path("../../../proto/psycache/v1/cache.proto"), options);
const rpc = loadSync(path("errors.proto"), options);
const { Cache } = grpc.loadPackageDefinition(proto).psycache.v1;

const SERVICE_CONFIG = {
  // Each node answers for every key, so calls are spread over those that are there.
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: "psycache.v1.Cache" }],
      // Without this, a call waits for ever. A call may ask for less.
      timeout: "5s",
      // The next try goes to another node. All calls can be repeated, but a set that is
      // repeated may replace what another client has set since.
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.05s",
        maxBackoff: "0.5s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
    // A session lasts; each of its calls has a time of its own.
    { name: [{ service: "psycache.v1.Cache", method: "Session" }] },
  ],
};

// Several nodes are given as IPv4:PORT; one may be NAME:PORT, for all addresses it has.
export const connect = (nodes) => {
  const target = nodes.length === 1 ? `dns:///${nodes[0]}` : `ipv4:${nodes.join(",")}`;
  const client = new Cache(target, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    // Without this, the whole list is sent as the host of each call, and no server takes that.
    "grpc.default_authority": nodes[0],
    // An answer has up to 64 MiB of values. The library refuses more than 4 MiB by itself.
    "grpc.max_receive_message_length": 65 << 20,
    // Without this, a node that lost its power is noticed only after minutes.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
  });
  const call = (name) => {
    const unary = promisify(client[name].bind(client));
    return async (request, timeout = 5_000) => {
      try {
        return await unary(request, { deadline: Date.now() + timeout });
      } catch (error) {
        throw Failure.of(error);
      }
    };
  };
  return {
    get: call("Get"),
    getMany: call("GetMany"),
    set: call("Set"),
    setMany: call("SetMany"),
    remove: call("Remove"),
    removeMany: call("RemoveMany"),
    clear: call("Clear"),
    stream: () => client.Session(),
    close: () => client.close(),
  };
};

// Why a call failed.
export class Failure extends Error {
  constructor(code, message, reason = "", details = {}) {
    super(message);
    this.code = grpc.status[code];
    // That of google.rpc.ErrorInfo; empty if the error is not a node's but this library's.
    this.reason = reason;
    this.details = details;
  }

  static of(error) {
    const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
    const { details = [] } = bytes ? rpc["google.rpc.Status"].deserialize(bytes) : {};
    const info = details.find((detail) => detail.type_url.endsWith("/google.rpc.ErrorInfo"));
    const { reason, metadata } = info ? rpc["google.rpc.ErrorInfo"].deserialize(info.value) : {};
    return new Failure(error.code, error.details, reason, metadata);
  }
}
