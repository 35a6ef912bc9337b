package io.plumbline.collective;

import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects one rank with all others: one connection for each pair, and one more to the next rank
 * for bulk data. Calling and answering happen at once in one thread, so no order of arrival can
 * block, and a stranger who says nothing holds up nobody.
 */
final class Assembly {
  private static final Logger LOG = LoggerFactory.getLogger(Assembly.class);
  private static final long HANDSHAKE_NANOS = 10_000_000_000L;
  private static final int MOST_PENDING = 4096;
  private static final int BUFFER_BYTES = 4 << 20;
  private static final String JOINING = "joining the gang";

  /** A connection that is being made. */
  private static final class Link {
    final SocketChannel channel;
    final Handshake handshake;
    final long deadline;
    final boolean overTcp;

    Link(SocketChannel channel, Handshake handshake, boolean overTcp) {
      this.channel = channel;
      this.handshake = handshake;
      this.overTcp = overTcp;
      this.deadline = System.nanoTime() + HANDSHAKE_NANOS;
    }
  }

  private final Membership me;
  private final Address[] addresses;
  private final Selector selector;
  private final SelectionKey[] mesh;
  private final List<Link> pending = new ArrayList<>();
  private final int next;
  private final int previous;
  private SelectionKey ringOut;
  private SelectionKey ringIn;
  private int missing;
  private int refused;

  private Assembly(Membership me, Address[] addresses, Selector selector) {
    this.me = me;
    this.addresses = addresses;
    this.selector = selector;
    mesh = new SelectionKey[me.worldSize()];
    next = (me.rank() + 1) % me.worldSize();
    previous = (me.rank() + me.worldSize() - 1) % me.worldSize();
    missing = me.worldSize() - 1 + 2;
  }

  /** Leaves the listening channels open; they are the caller's. */
  static Ring assemble(
      Membership me, Address[] addresses, ServerSocketChannel tcp, ServerSocketChannel local) {
    Selector selector = null;
    Assembly assembly = null;
    try {
      selector = Selector.open();
      assembly = new Assembly(me, addresses, selector);
      SelectionKey tcpKey = tcp.register(selector, SelectionKey.OP_ACCEPT);
      SelectionKey localKey =
          local == null ? null : local.register(selector, SelectionKey.OP_ACCEPT);
      assembly.connect();
      tcpKey.cancel();
      if (localKey != null) {
        localKey.cancel();
      }
      assembly.pending.forEach(link -> RingListener.closeQuietly(link.channel));
      selector.selectNow();
      return new Ring(me, selector, assembly.mesh, assembly.ringOut, assembly.ringIn);
    } catch (IOException | RuntimeException e) {
      if (selector != null) {
        for (SelectionKey key : selector.keys()) {
          if (key.channel() instanceof SocketChannel channel) {
            RingListener.closeQuietly(channel);
          }
        }
        RingListener.closeQuietly(selector);
      }
      if (e instanceof PlumblineException known) {
        throw known;
      }
      if (Thread.currentThread().isInterrupted()) {
        throw Failures.interrupted(me.rank(), JOINING);
      }
      throw Failures.broken("Rank %d failed in joining the gang: %s".formatted(me.rank(), e), e);
    }
  }

  private void connect() throws IOException {
    for (int peer = 0; peer < me.rank(); peer++) {
      call(peer, Handshake.Purpose.MESH, true);
    }
    call(next, Handshake.Purpose.RING, true);
    long deadline = System.nanoTime() + me.deadline().toNanos();
    while (missing > 0) {
      if (Thread.currentThread().isInterrupted() || me.interrupted().getAsBoolean()) {
        throw Failures.interrupted(me.rank(), JOINING);
      }
      long now = System.nanoTime();
      if (now - deadline > 0) {
        throw Failures.late(me.rank(), me.deadline(), absent(), JOINING);
      }
      for (int i = pending.size() - 1; i >= 0; i--) {
        Link link = pending.get(i);
        if (!link.handshake.isCaller() && now - link.deadline > 0) {
          refuse(link, "said nothing for too long");
        }
      }
      selector.select(this::serve, Math.max(1, Math.min(100, (deadline - now) / 1_000_000)));
    }
  }

  private void call(int peer, Handshake.Purpose purpose, boolean tryLocal) throws IOException {
    Address address = addresses[peer];
    SocketAddress target = null;
    if (tryLocal
        && !address.socketFile().isEmpty()
        && address.machine().equals(Address.MACHINE)
        && Files.exists(Path.of(address.socketFile()))) {
      target = UnixDomainSocketAddress.of(address.socketFile());
    }
    boolean overTcp = target == null;
    SocketChannel channel = null;
    try {
      if (overTcp) {
        channel = SocketChannel.open();
        target = new InetSocketAddress(address.host(), address.port());
      } else {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      }
      channel.configureBlocking(false);
      Link link = new Link(channel, Handshake.call(me, peer, purpose), overTcp);
      tune(channel, overTcp);
      boolean connected = channel.connect(target);
      pending.add(link);
      channel.register(selector, connected ? SelectionKey.OP_WRITE : SelectionKey.OP_CONNECT, link);
    } catch (IOException | RuntimeException e) {
      RingListener.closeQuietly(channel);
      if (overTcp) {
        throw unreachable(peer, e);
      }
      LOG.debug("Rank {} is not reachable by its Unix-domain socket, using TCP", peer, e);
      call(peer, purpose, false);
    }
  }

  private void serve(SelectionKey key) {
    try {
      if (key.attachment() instanceof Link link) {
        serve(key, link);
      } else if (key.isValid() && key.isAcceptable()) {
        accept((ServerSocketChannel) key.channel());
      }
    } catch (IOException e) {
      throw Failures.broken("Rank %d failed in joining the gang: %s".formatted(me.rank(), e), e);
    }
  }

  private void accept(ServerSocketChannel server) throws IOException {
    SocketChannel channel = server.accept();
    if (channel == null) {
      return;
    }
    if (pending.size() >= MOST_PENDING) {
      RingListener.closeQuietly(channel);
      refused++;
      return;
    }
    boolean overTcp = channel.getRemoteAddress() instanceof InetSocketAddress;
    channel.configureBlocking(false);
    tune(channel, overTcp);
    Link link = new Link(channel, Handshake.answer(me), overTcp);
    pending.add(link);
    channel.register(selector, SelectionKey.OP_READ, link);
  }

  private void serve(SelectionKey key, Link link) throws IOException {
    try {
      if (key.isConnectable()) {
        link.channel.finishConnect();
      }
      if (link.handshake.advance(link.channel)) {
        pending.remove(link);
        welcome(key, link);
      } else {
        key.interestOps(
            link.handshake.wantsToWrite() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
      }
    } catch (IOException | java.nio.channels.CancelledKeyException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw Failures.interrupted(me.rank(), JOINING);
      }
      if (!link.handshake.isCaller()) {
        refuse(link, e.getMessage());
        return;
      }
      pending.remove(link);
      RingListener.closeQuietly(link.channel);
      int peer = link.handshake.peer();
      if (link.overTcp) {
        throw unreachable(peer, e);
      }
      LOG.debug("Rank {} refused by its Unix-domain socket, using TCP", peer, e);
      call(peer, link.handshake.purpose(), false);
    }
  }

  private void welcome(SelectionKey key, Link link) {
    Handshake handshake = link.handshake;
    int peer = handshake.peer();
    boolean ring = handshake.purpose() == Handshake.Purpose.RING;
    // A proven member may still call twice, when it fell back to TCP: the first call stands.
    boolean expected =
        ring
            ? (handshake.isCaller() ? ringOut == null : peer == previous && ringIn == null)
            : mesh[peer] == null && (handshake.isCaller() || peer > me.rank());
    if (!expected) {
      refuse(link, "was connected already");
      return;
    }
    key.interestOps(0);
    key.attach(null);
    if (!ring) {
      mesh[peer] = key;
    } else if (handshake.isCaller()) {
      ringOut = key;
    } else {
      ringIn = key;
    }
    missing--;
  }

  private void refuse(Link link, String why) {
    pending.remove(link);
    refused++;
    RingListener.closeQuietly(link.channel);
    LOG.warn("Rank {} refused a connection: {}", me.rank(), why);
  }

  private PlumblineException unreachable(int peer, Throwable cause) {
    return Failures.broken(
        "Rank %d cannot join rank %d at %s port %d (%s); it has ended, or a firewall is between them, or it belongs to another job or attempt."
            .formatted(
                me.rank(),
                peer,
                addresses[peer].host(),
                addresses[peer].port(),
                cause.getMessage()),
        cause);
  }

  private String absent() {
    StringBuilder names = new StringBuilder();
    for (int peer = 0; peer < me.worldSize(); peer++) {
      boolean here =
          peer == me.rank()
              || (mesh[peer] != null
                  && (peer != next || ringOut != null)
                  && (peer != previous || ringIn != null));
      if (!here) {
        names.append(names.isEmpty() ? "rank " : ", rank ").append(peer);
      }
    }
    if (refused > 0) {
      names.append(" (%d connections were refused as not of this gang)".formatted(refused));
    }
    return names.toString();
  }

  private static void tune(SocketChannel channel, boolean overTcp) throws IOException {
    channel.setOption(StandardSocketOptions.SO_SNDBUF, BUFFER_BYTES);
    if (overTcp) {
      channel.setOption(StandardSocketOptions.SO_RCVBUF, BUFFER_BYTES);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    }
  }
}
