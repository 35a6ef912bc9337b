package io.plumbline.collective;

import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank before its gang is complete: it listens, tells the others its address by whatever means
 * they have, and joins them once it knows all addresses.
 */
public final class RingListener implements AutoCloseable {
  /** Which ways to other ranks are offered; the narrower ones are for tests and odd networks. */
  public enum Transport {
    /** Memory within a process, Unix-domain sockets within a host, TCP otherwise. */
    NEAREST,
    /** Unix-domain sockets within a host, TCP otherwise. */
    SOCKETS,
    /** TCP only. */
    TCP
  }

  private static final Logger LOG = LoggerFactory.getLogger(RingListener.class);
  private static final int BACKLOG = 256;

  /** Longer paths do not fit into a socket address on Linux. */
  private static final int LONGEST_SOCKET_FILE = 100;

  /** Ranks join within seconds of each other, or their gang has failed. */
  private static final Duration FORGOTTEN = Duration.ofMinutes(30);

  private static final Map<String, SharedMemory.Group> GROUPS = new ConcurrentHashMap<>();

  private final ServerSocketChannel tcp;
  private final ServerSocketChannel local;
  private final Path socketFile;
  private final Address address;

  private RingListener(
      ServerSocketChannel tcp, ServerSocketChannel local, Path socketFile, Address address) {
    this.tcp = tcp;
    this.local = local;
    this.socketFile = socketFile;
    this.address = address;
  }

  /**
   * Listens on a free port.
   *
   * @param host the name under which other ranks reach this one
   */
  public static RingListener open(String host) {
    return open(host, Transport.NEAREST);
  }

  public static RingListener open(String host, Transport transport) {
    ServerSocketChannel tcp = null;
    try {
      tcp = bind(host);
      int port = ((InetSocketAddress) tcp.getLocalAddress()).getPort();
      Path file = transport == Transport.TCP ? null : socketFile();
      ServerSocketChannel local = file == null ? null : bind(file);
      String process = transport == Transport.NEAREST ? Address.PROCESS : "";
      Address address =
          new Address(process, Address.MACHINE, host, port, local == null ? "" : file.toString());
      return new RingListener(tcp, local, local == null ? null : file, address);
    } catch (IOException e) {
      closeQuietly(tcp);
      throw Failures.broken(
          "This rank cannot listen on host %s (%s); check that the name resolves and that ports are free."
              .formatted(host, e),
          e);
    }
  }

  private static ServerSocketChannel bind(String host) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      try {
        channel.bind(new InetSocketAddress(InetAddress.getByName(host), 0), BACKLOG);
      } catch (BindException e) {
        // Behind address translation the name belongs to the outside: listen everywhere then.
        LOG.debug("Host {} is not an address of this machine, listening on all", host, e);
        channel.bind(new InetSocketAddress(0), BACKLOG);
      }
      channel.configureBlocking(false);
      return channel;
    } catch (IOException | RuntimeException e) {
      closeQuietly(channel);
      throw e instanceof IOException io ? io : new IOException(e);
    }
  }

  private static Path socketFile() {
    try {
      Path directory =
          Files.createTempDirectory(
              "plumbline-",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Path file = directory.resolve("ring");
      if (file.toString().length() <= LONGEST_SOCKET_FILE) {
        return file;
      }
      Files.delete(directory);
    } catch (IOException | UnsupportedOperationException e) {
      LOG.debug("No place for a Unix-domain socket, using TCP", e);
    }
    return null;
  }

  private static ServerSocketChannel bind(Path file) {
    ServerSocketChannel channel = null;
    try {
      channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      channel.bind(UnixDomainSocketAddress.of(file), BACKLOG);
      channel.configureBlocking(false);
      return channel;
    } catch (IOException | UnsupportedOperationException e) {
      LOG.debug("No Unix-domain socket at {}, using TCP", file, e);
      closeQuietly(channel);
      delete(file);
      return null;
    }
  }

  /** One line of printable text without spaces, to be given to all ranks. */
  public String address() {
    return address.encode();
  }

  /**
   * Connects with all other ranks, or waits until they have connected.
   *
   * @param addresses what {@link #address()} gave on each rank, by rank
   * @throws PlumblineException GANG_BROKEN when a rank cannot be reached until the deadline or
   *     refuses; INTERRUPTED
   */
  public Collective join(Membership membership, List<String> addresses) {
    if (addresses.size() != membership.worldSize()) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "%d addresses were given for %d ranks."
              .formatted(addresses.size(), membership.worldSize()));
    }
    if (membership.worldSize() == 1) {
      return new SingleRank();
    }
    Address[] parsed = new Address[addresses.size()];
    boolean oneProcess = true;
    for (int peer = 0; peer < parsed.length; peer++) {
      parsed[peer] = Address.parse(peer, addresses.get(peer));
      oneProcess &= parsed[peer].process().equals(Address.PROCESS);
    }
    if (oneProcess) {
      return new SharedMemory(meet(membership, addresses), membership);
    }
    return Assembly.assemble(membership, parsed, tcp, local);
  }

  /** Ranks of this process that join with the same secret, attempt and addresses share a group. */
  private static SharedMemory.Group meet(Membership membership, List<String> addresses) {
    MessageDigest digest = Sha256.digest();
    digest.update(
        ByteBuffer.allocate(8).putInt(membership.worldSize()).putInt(membership.attempt()).array());
    addresses.forEach(one -> digest.update(one.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    String key = HexFormat.of().formatHex(digest.digest(membership.secret()));
    // A group stays findable after an early failure, for ranks that join late to hear of it.
    GROUPS.values().removeIf(group -> group.isOlderThan(FORGOTTEN));
    SharedMemory.Group group =
        GROUPS.computeIfAbsent(key, unused -> new SharedMemory.Group(membership.worldSize()));
    if (group.joinedByLast()) {
      GROUPS.remove(key);
    }
    return group;
  }

  @Override
  public void close() {
    closeQuietly(tcp);
    closeQuietly(local);
    if (socketFile != null) {
      delete(socketFile);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
      Files.deleteIfExists(file.getParent());
    } catch (IOException e) {
      LOG.debug("Could not delete {}", file, e);
    }
  }

  static void closeQuietly(AutoCloseable resource) {
    if (resource != null) {
      try {
        resource.close();
      } catch (Exception e) {
        LOG.debug("Closing {} failed", resource, e);
      }
    }
  }
}
