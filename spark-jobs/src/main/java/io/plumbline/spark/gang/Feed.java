package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.spark.SparkConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's end of the feed: takes lines from ranks that know the job's secret and hands them to
 * the listener on one thread. Once a rank of a later attempt has called, lines of earlier attempts
 * are dropped.
 */
final class Feed implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Feed.class);
  private static final int MOST_UNPROVEN = 64;
  private static final int MOST_QUEUED = 1_000;
  private static final long CONNECTIONS_MILLIS = 3_000;
  private static final long LISTENER_MILLIS = 60_000;

  private record Line(int attempt, String text) {}

  private static final Line END = new Line(Integer.MAX_VALUE, "");

  private final String host;
  private final ServerSocket server;
  private final byte[] secret;
  private final Consumer<String> listener;
  private final Runnable cancel;
  private final BlockingQueue<Line> lines = new LinkedBlockingQueue<>(MOST_QUEUED);
  private final Thread dispatcher;
  private final Set<Socket> connections = new HashSet<>();

  /** Of ranks that have proven themselves. */
  private final Set<DataOutputStream> ranks = new HashSet<>();

  private boolean stopping;
  private final List<Outcome> failures = new ArrayList<>();
  private int unproven;
  private int newestAttempt;
  private boolean finished;
  private volatile RuntimeException listenerFailure;

  private Feed(
      String host, ServerSocket server, byte[] secret, Consumer<String> listener, Runnable cancel) {
    this.host = host;
    this.server = server;
    this.secret = secret;
    this.listener = listener;
    this.cancel = cancel;
    dispatcher = daemon(this::dispatch, "plumbline-feed-listener");
    daemon(this::accept, "plumbline-feed-accept");
  }

  /**
   * @param cancel called when the listener throws
   */
  static Feed open(SparkConf conf, byte[] secret, Consumer<String> listener, Runnable cancel) {
    String host = conf.get("spark.driver.host", "localhost");
    String bind = conf.get("spark.driver.bindAddress", host);
    int port = conf.getInt("spark.plumbline.feed.port", 0);
    ServerSocket server = null;
    try {
      server = new ServerSocket();
      try {
        server.bind(new InetSocketAddress(InetAddress.getByName(bind), port), 256);
      } catch (BindException e) {
        if (port != 0) {
          throw e;
        }
        LOG.debug("{} is not an address of this machine, listening on all", bind, e);
        server.bind(new InetSocketAddress(0), 256);
      }
      return new Feed(host, server, secret, listener, cancel);
    } catch (IOException e) {
      close(server);
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "The driver cannot listen for its ranks on %s port %d (%s): set spark.driver.bindAddress or spark.plumbline.feed.port."
              .formatted(bind, port, e.getMessage()),
          e);
    }
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  String host() {
    return host;
  }

  int port() {
    return server.getLocalPort();
  }

  /** What the listener threw, which ended the job. */
  Optional<RuntimeException> listenerFailure() {
    return Optional.ofNullable(listenerFailure);
  }

  /** Of the newest attempt that failed, the failure that set off the others. */
  Optional<Outcome> firstCause() {
    synchronized (connections) {
      int newest = failures.stream().mapToInt(Outcome::attempt).max().orElse(0);
      return failures.stream()
          .filter(outcome -> outcome.attempt() == newest)
          .min(Outcome.FIRST_CAUSE);
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        synchronized (connections) {
          if (finished || unproven >= MOST_UNPROVEN) {
            close(socket);
            continue;
          }
          connections.add(socket);
          unproven++;
        }
        daemon(() -> serve(socket), "plumbline-feed-reader");
      } catch (IOException e) {
        if (!server.isClosed()) {
          LOG.warn("The feed could not accept a connection: {}", e.toString());
        }
      }
    }
  }

  private void serve(Socket socket) {
    boolean proven = false;
    DataOutputStream out = null;
    try (socket) {
      socket.setSoTimeout(FeedProtocol.HANDSHAKE_MILLIS);
      socket.setKeepAlive(true);
      DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      out = new DataOutputStream(socket.getOutputStream());
      int attempt = welcome(in, out);
      proven = true;
      synchronized (connections) {
        unproven--;
        newestAttempt = Math.max(newestAttempt, attempt);
        ranks.add(out);
        if (stopping) {
          out.writeByte(FeedProtocol.STOP);
        }
      }
      // No limit on silence between lines; finish() closes what is still open.
      socket.setSoTimeout(0);
      read(in, attempt);
    } catch (EOFException e) {
      LOG.debug("A feed connection ended", e);
    } catch (IOException e) {
      LOG.info("A feed connection ended: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      synchronized (connections) {
        if (!proven) {
          unproven--;
        }
        connections.remove(socket);
        ranks.remove(out);
        connections.notifyAll();
      }
    }
  }

  /** Asks the ranks that call, now and later, to stop at their next step. */
  void askToStop() {
    synchronized (connections) {
      stopping = true;
      for (DataOutputStream rank : ranks) {
        try {
          rank.writeByte(FeedProtocol.STOP);
        } catch (IOException e) {
          LOG.info("A rank could not be asked to stop: {}", e.toString());
        }
      }
    }
  }

  private int welcome(DataInputStream in, DataOutputStream out) throws IOException {
    byte[] nonce = FeedProtocol.nonce();
    out.writeLong(FeedProtocol.MAGIC);
    out.write(nonce);
    out.flush();
    int rank = in.readInt();
    int attempt = in.readInt();
    byte[] memberNonce = new byte[FeedProtocol.NONCE];
    in.readFully(memberNonce);
    byte[] shown = new byte[FeedProtocol.PROOF];
    in.readFully(shown);
    byte[] expected = FeedProtocol.proof("member", secret, nonce, rank, attempt, memberNonce);
    if (!MessageDigest.isEqual(shown, expected)) {
      throw new IOException("a stranger called the feed");
    }
    out.write(FeedProtocol.proof("driver", secret, nonce, rank, attempt, memberNonce));
    out.flush();
    return attempt;
  }

  private void read(DataInputStream in, int attempt) throws IOException, InterruptedException {
    while (true) {
      byte type = in.readByte();
      int length = in.readInt();
      if (length < 0 || length > FeedProtocol.LONGEST_LINE) {
        throw new IOException("a line of " + length + " bytes");
      }
      byte[] bytes = new byte[length];
      in.readFully(bytes);
      String text = new String(bytes, StandardCharsets.UTF_8);
      if (type == FeedProtocol.OUTCOME) {
        synchronized (connections) {
          failures.add(Outcome.decode(text));
        }
      } else {
        // Waiting here makes the rank's own queue fill up and drop its oldest.
        lines.put(new Line(attempt, text));
      }
    }
  }

  private void dispatch() {
    try {
      for (Line line = lines.take(); !line.equals(END); line = lines.take()) {
        boolean stale;
        synchronized (connections) {
          stale = line.attempt() < newestAttempt;
        }
        if (!stale && listenerFailure == null) {
          hear(line.text());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void hear(String text) {
    try {
      listener.accept(text);
    } catch (RuntimeException e) {
      listenerFailure = e;
      cancel.run();
    }
  }

  /** Waits, for some seconds, until all that ranks have sent has reached the listener. */
  void finish() {
    boolean interrupted = Thread.interrupted();
    synchronized (connections) {
      if (finished) {
        return;
      }
      finished = true;
    }
    try {
      close(server);
      long deadline = System.nanoTime() + CONNECTIONS_MILLIS * 1_000_000;
      synchronized (connections) {
        while (!connections.isEmpty() && System.nanoTime() < deadline) {
          connections.wait(50);
        }
        connections.forEach(Feed::close);
      }
      if (lines.offer(END, LISTENER_MILLIS, TimeUnit.MILLISECONDS)) {
        dispatcher.join(LISTENER_MILLIS);
      }
      if (dispatcher.isAlive()) {
        LOG.warn("The feed's listener did not keep up; its last lines are lost");
        dispatcher.interrupt();
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    finish();
  }

  private static void close(AutoCloseable resource) {
    if (resource != null) {
      try {
        resource.close();
      } catch (Exception e) {
        LOG.debug("Closing {} failed", resource, e);
      }
    }
  }
}
