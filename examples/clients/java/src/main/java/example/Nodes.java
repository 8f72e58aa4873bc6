package example;

import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.NameResolverRegistry;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import psycache.v1.CacheGrpc;

/** The nodes of a PsyCache cluster, and the errors of calls on them. */
public final class Nodes {
  private static final String CACHE = CacheGrpc.SERVICE_NAME;

  // Numbers are Double here, as in JSON.
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          // Each node answers for every key, so calls are spread over those that are there.
          "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
          // A node that is about to stop says so, and gets no more calls. Needs grpc-services.
          "healthCheckConfig", Map.of("serviceName", CACHE),
          "methodConfig",
              List.of(
                  Map.of(
                      "name", List.of(Map.of("service", CACHE)),
                      // Without this, a call waits for ever. A call may ask for less.
                      "timeout", "5s",
                      // The next try goes to another node. All calls can be repeated, but a set
                      // that is repeated may replace what another client has set since.
                      "retryPolicy",
                          Map.of(
                              "maxAttempts", 4.0,
                              "initialBackoff", "0.05s",
                              "maxBackoff", "0.5s",
                              "backoffMultiplier", 2.0,
                              "retryableStatusCodes", List.of("UNAVAILABLE"))),
                  // A session lasts; each of its calls has a time of its own.
                  Map.of("name", List.of(Map.of("service", CACHE, "method", "Session")))));

  private Nodes() {}

  /** A connection to several nodes, each HOST:PORT. */
  public static ManagedChannel connect(List<String> nodes) {
    var resolvers = new NameResolverRegistry();
    resolvers.register(new NodeList(nodes));
    var target = NodeList.SCHEME + ":///nodes";
    return Grpc.newChannelBuilder(target, InsecureChannelCredentials.create(), resolvers)
        .defaultServiceConfig(SERVICE_CONFIG)
        // An answer has up to 64 MiB of values. The library refuses more than 4 MiB by itself.
        .maxInboundMessageSize(65 << 20)
        // Without this, a node that lost its power is noticed only after minutes.
        .keepAliveTime(10, SECONDS)
        .keepAliveTimeout(5, SECONDS)
        .keepAliveWithoutCalls(true)
        .build();
  }

  /**
   * What a node says of an error for programs; {@code Status.fromThrowable} gives the code. If the
   * error is not a node's but this library's, there is no reason.
   */
  public static ErrorInfo info(Throwable error) {
    var status = StatusProto.fromThrowable(error);
    try {
      for (Any detail : status == null ? List.<Any>of() : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class);
        }
      }
    } catch (InvalidProtocolBufferException notOfANode) {
      // As if there were none.
    }
    return ErrorInfo.getDefaultInstance();
  }
}
