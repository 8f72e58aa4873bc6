// The scenario by Jedis.
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.SetParams;

public class Scenario {
  static void ask(String word) throws IOException {
    System.out.println(word);
    while (System.in.read() != '\n') {}
  }

  static void expect(Object is, Object wanted) {
    if (!Objects.equals(is, wanted)) {
      throw new AssertionError(is + ", not " + wanted);
    }
  }

  static <E extends Exception> E failure(Class<E> kind, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException error) {
      return kind.cast(error);
    }
    throw new AssertionError("it does not fail");
  }

  static RedisClient client(String name, RedisProtocol protocol) {
    var node = HostAndPort.from(System.getenv(name));
    var config = DefaultJedisClientConfig.builder().clientName("scenario").protocol(protocol);
    return RedisClient.builder().hostAndPort(node).clientConfig(config.build()).build();
  }

  public static void main(String[] arguments) throws IOException {
    var first = client("FIRST", RedisProtocol.RESP3);
    var second = client("SECOND", RedisProtocol.RESP2);
    expect(first.get("Tom"), "630");
    expect(first.get("nobody"), null);
    expect(first.set("Ada", "1815", SetParams.setParams().ex(60)), "OK");
    expect(second.get("Ada"), "1815");
    expect(first.mset("a", "1", "b", "2"), "OK");
    expect(second.mget("a", "nobody", "b"), Arrays.asList("1", null, "2"));
    expect(first.del("a", "b", "c"), 2L);

    var values = new ArrayList<Response<String>>();
    try (var pipeline = first.pipelined()) {
      for (int number = 0; number < 500; number++) {
        pipeline.set("key-" + number, "" + number);
      }
      for (int number = 0; number < 500; number++) {
        values.add(pipeline.get("key-" + number));
      }
    }
    for (int number = 0; number < 500; number++) {
      expect(values.get(number).get(), "" + number);
    }

    var refused = failure(JedisDataException.class, () -> first.incr("Ada"));
    expect(refused.getMessage().contains("this cache has GET"), true);

    ask("kill");
    failure(JedisConnectionException.class, () -> first.get("Tom"));
    expect(second.get("Tom"), "630");
    ask("start");
    expect(first.get("Tom"), "630");
    expect(first.flushDB(), "OK");
    expect(second.get("Ada"), null);
    System.out.println("end");
  }
}
