package example;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A resolver for a fixed list of nodes. A target of grpc-java names only one host. */
final class NodeList extends NameResolverProvider {
  static final String SCHEME = "psycache";

  private final List<InetSocketAddress> nodes;

  NodeList(List<String> nodes) {
    this.nodes = nodes.stream().map(NodeList::parse).toList();
  }

  private static InetSocketAddress parse(String node) {
    try {
      int colon = node.lastIndexOf(':');
      int port = Integer.parseInt(node.substring(colon + 1));
      return InetSocketAddress.createUnresolved(node.substring(0, colon), port);
    } catch (IllegalArgumentException | IndexOutOfBoundsException error) {
      throw new IllegalArgumentException("a node is HOST:PORT, not " + node, error);
    }
  }

  /** All that a name has: a node each. */
  private static Stream<InetSocketAddress> addresses(InetSocketAddress node) {
    try {
      return Arrays.stream(InetAddress.getAllByName(node.getHostString()))
          .map(address -> new InetSocketAddress(address, node.getPort()));
    } catch (UnknownHostException unknown) {
      return Stream.empty();
    }
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return new NameResolver() {
      private Listener2 listener;

      @Override
      public String getServiceAuthority() {
        return nodes.get(0).getHostString() + ":" + nodes.get(0).getPort();
      }

      @Override
      public void start(Listener2 listener) {
        this.listener = listener;
        refresh();
      }

      // Nodes that are given by name may have other addresses than before.
      @Override
      public void refresh() {
        args.getOffloadExecutor().execute(this::resolve);
      }

      private void resolve() {
        var found =
            nodes.stream()
                .flatMap(NodeList::addresses)
                .map(EquivalentAddressGroup::new)
                .toList();
        var result = ResolutionResult.newBuilder();
        if (found.isEmpty()) {
          var none = Status.UNAVAILABLE.withDescription("no address is known of " + nodes);
          result.setAddressesOrError(StatusOr.fromStatus(none));
        } else {
          result.setAddressesOrError(StatusOr.fromValue(found));
        }
        listener.onResult(result.build());
      }

      @Override
      public void shutdown() {}
    };
  }

  @Override
  public String getDefaultScheme() {
    return SCHEME;
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 5;
  }
}
