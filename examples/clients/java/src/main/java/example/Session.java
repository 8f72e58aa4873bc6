package example;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import psycache.v1.CacheGrpc.CacheStub;
import psycache.v1.CacheOuterClass.Failure;
import psycache.v1.CacheOuterClass.GetRequest;
import psycache.v1.CacheOuterClass.SessionRequest;
import psycache.v1.CacheOuterClass.SessionResponse;

/**
 * Makes many calls at a time on one stream, which costs less than calls of their own. Threads may
 * share it. After the stream has ended, the next call opens another.
 */
public final class Session implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final CacheStub cache;
  private Stream stream;
  private long lastId;

  /** Opens no stream yet. */
  public Session(CacheStub cache) {
    this.cache = cache;
  }

  /** Gives a value. */
  public CompletableFuture<ByteString> get(String group, String key) {
    var get = GetRequest.newBuilder().setGroup(group).setKey(key);
    var request = SessionRequest.newBuilder().setGet(get).build();
    return call(request, TIMEOUT)
        .exceptionallyCompose(
            error ->
                Status.fromThrowable(error).getCode() == Status.Code.UNAVAILABLE
                    // The stream ended with its node, or the source of the node can't be reached.
                    // The second try may reach another node.
                    ? call(request, TIMEOUT)
                    : CompletableFuture.failedFuture(error))
        .thenApply(response -> response.getGet().getValue());
  }

  /** Sends a request, whose id is chosen here. */
  public CompletableFuture<SessionResponse> call(SessionRequest request, Duration timeout) {
    var answer = new CompletableFuture<SessionResponse>();
    var late = failure(Status.Code.DEADLINE_EXCEEDED, "no answer within " + timeout);
    send(request.toBuilder().setTimeoutMs(Math.toIntExact(timeout.toMillis())), answer);
    return answer
        .completeOnTimeout(late, timeout.toMillis(), TimeUnit.MILLISECONDS)
        .thenApply(Session::checked);
  }

  /** Ends the stream. */
  @Override
  public synchronized void close() {
    if (stream != null) {
      stream.requests.onCompleted();
      stream = null;
    }
  }

  private synchronized void send(
      SessionRequest.Builder request, CompletableFuture<SessionResponse> answer) {
    if (stream == null) {
      stream = new Stream();
    }
    var waiting = stream.waiting;
    var id = ++lastId;
    waiting.put(id, answer);
    answer.whenComplete((response, error) -> waiting.remove(id));
    stream.requests.onNext(request.setId(id).build());
  }

  private synchronized void forget(Stream ended) {
    if (stream == ended) {
      stream = null;
    }
  }

  private final class Stream implements StreamObserver<SessionResponse> {
    final Map<Long, CompletableFuture<SessionResponse>> waiting = new ConcurrentHashMap<>();
    final StreamObserver<SessionRequest> requests = cache.session(this);

    @Override
    public void onNext(SessionResponse response) {
      // Nobody waits any more for an answer that comes too late.
      var answer = waiting.get(response.getId());
      if (answer != null) {
        answer.complete(response);
      }
    }

    @Override
    public void onError(Throwable error) {
      forget(this);
      waiting.values().forEach(answer -> answer.completeExceptionally(error));
    }

    @Override
    public void onCompleted() {
      onError(Status.UNAVAILABLE.withDescription("the stream has ended").asRuntimeException());
    }
  }

  private static SessionResponse failure(Status.Code code, String message) {
    var failure = Failure.newBuilder().setCode(code.value()).setMessage(message);
    return SessionResponse.newBuilder().setFailure(failure).build();
  }

  /** Throws the error of a call, as it would be without a session. */
  private static SessionResponse checked(SessionResponse response) {
    if (!response.hasFailure()) {
      return response;
    }
    var failure = response.getFailure();
    var info = ErrorInfo.newBuilder().setDomain("psycache").setReason(failure.getReason());
    throw StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(failure.getCode())
            .setMessage(failure.getMessage())
            .addDetails(Any.pack(info.build()))
            .build());
  }
}
