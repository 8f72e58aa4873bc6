package example;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import psycache.v1.CacheGrpc;
import psycache.v1.CacheGrpc.CacheBlockingStub;
import psycache.v1.CacheOuterClass.GetManyRequest;
import psycache.v1.CacheOuterClass.GetRequest;
import psycache.v1.CacheOuterClass.RemoveRequest;
import psycache.v1.CacheOuterClass.SetRequest;

/** What a program does with a PsyCache cluster: ./run NODE,NODE,… */
public final class Main {
  private static ByteString get(CacheBlockingStub cache, String group, String key) {
    return cache.get(GetRequest.newBuilder().setGroup(group).setKey(key).build()).getValue();
  }

  private static SetRequest.Builder set(String key, ByteString value) {
    return SetRequest.newBuilder().setGroup("scores").setKey(key).setValue(value);
  }

  private static ByteString zeros(int bytes) {
    return ByteString.copyFrom(new byte[bytes]);
  }

  private static void values(CacheBlockingStub cache) {
    System.out.println("get: " + get(cache, "scores", "Tom").toStringUtf8());

    cache.set(set("Ada", ByteString.copyFromUtf8("1815")).setTtlMs(60_000).build());
    System.out.println("set: " + get(cache, "scores", "Ada").toStringUtf8());

    var keys = List.of("Tom", "nobody", "Jack");
    var request = GetManyRequest.newBuilder().setGroup("scores").addAllKeys(keys).build();
    var results = cache.getMany(request).getResultsList();
    for (int place = 0; place < keys.size(); place++) {
      var result = results.get(place);
      var outcome =
          result.hasFound()
              ? result.getFound().getValue().toStringUtf8()
              : Status.fromCodeValue(result.getFailure().getCode()).getCode();
      System.out.println("get of many: " + keys.get(place) + " " + outcome);
    }

    cache.set(set("long", zeros(5 << 20)).build());
    System.out.println("long value: " + get(cache, "scores", "long").size());

    var ada = RemoveRequest.newBuilder().setGroup("scores").setKey("Ada").build();
    System.out.println("removed: " + cache.remove(ada).getExisted());
  }

  private static StatusRuntimeException failure(Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException error) {
      return error;
    }
    throw new AssertionError("it does not fail");
  }

  private static void failures(CacheBlockingStub cache) {
    var error = failure(() -> get(cache, "scores", "nobody"));
    var info = Nodes.info(error);
    System.out.println("missing key: " + error.getStatus().getCode() + " " + info.getReason());

    error = failure(() -> get(cache, "nowhere", "Tom"));
    info = Nodes.info(error);
    var group = info.getMetadataOrThrow("group");
    System.out.println(
        "unknown group: " + error.getStatus().getCode() + " " + info.getReason() + " " + group);

    error = failure(() -> cache.set(set("large", zeros(17 << 20)).build()));
    info = Nodes.info(error);
    var limit = info.getMetadataOrThrow("limit");
    System.out.println(
        "large value: " + error.getStatus().getCode() + " " + info.getReason() + " " + limit);

    error = failure(() -> get(cache.withDeadlineAfter(100, MILLISECONDS), "slow", "Tom"));
    System.out.println("deadline: " + error.getStatus().getCode());
  }

  private static int sumOn(List<Session> sessions) {
    var scores = new ArrayList<CompletableFuture<ByteString>>();
    for (int call = 0; call < 50; call++) {
      for (var session : sessions) {
        scores.add(session.get("scores", call % 2 == 0 ? "Tom" : "Jack"));
      }
    }
    return scores.stream().mapToInt(score -> Integer.parseInt(score.join().toStringUtf8())).sum();
  }

  private static Runnable untilShutdown(
      ExecutorService threads, Runnable get, AtomicInteger failed) {
    return () -> {
      while (!threads.isShutdown()) {
        try {
          get.run();
        } catch (RuntimeException error) {
          System.err.println(error);
          failed.incrementAndGet();
        }
      }
    };
  }

  private static void whileANodeStops(CacheBlockingStub cache, Session first, Session second)
      throws Exception {
    var failed = new AtomicInteger();
    var gets =
        List.<Runnable>of(
            () -> get(cache, "scores", "Tom"),
            () -> first.get("scores", "Sam").join(),
            () -> second.get("scores", "Sam").join());
    var threads = Executors.newFixedThreadPool(gets.size());
    try {
      gets.forEach(get -> threads.execute(untilShutdown(threads, get, failed)));
      System.out.println("Stop one of the nodes, and press Enter.");
      System.in.read();
      for (int call = 0; call < 200; call++) {
        get(cache, "scores", "Jack");
      }
      var one = first.get("scores", "Sam").join().toStringUtf8();
      var other = second.get("scores", "Sam").join().toStringUtf8();
      System.out.println("sessions: " + one + " " + other);
    } finally {
      threads.shutdown();
    }
    threads.awaitTermination(10, SECONDS);
    System.out.println("failed gets: " + failed);
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 1) {
      System.err.println(
          "Usage: run HOST:PORT,HOST:PORT,…   for example: run 127.0.0.1:7400,127.0.0.1:7402");
      System.exit(2);
    }
    var channel = Nodes.connect(List.of(arguments[0].split(",")));
    var cache = CacheGrpc.newBlockingStub(channel);
    values(cache);
    failures(cache);
    // Streams are spread like calls: these go to two nodes.
    try (var first = new Session(CacheGrpc.newStub(channel));
        var second = new Session(CacheGrpc.newStub(channel))) {
      System.out.println("sessions: " + sumOn(List.of(first, second)));
      whileANodeStops(cache, first, second);
    }
    channel.shutdown();
  }
}
