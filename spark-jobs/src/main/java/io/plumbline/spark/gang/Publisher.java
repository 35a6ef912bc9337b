package io.plumbline.spark.gang;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's end of the feed. Lines wait in a bounded queue for a thread that sends them; when the
 * driver is slow or unreachable the oldest are dropped, and training continues. On the way back
 * comes the driver's request to stop.
 */
final class Publisher implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);
  private static final int MOST_LINES = 10_000;
  private static final long RETRY_MILLIS = 2_000;
  private static final long FLUSH_MILLIS = 3_000;

  private record Frame(byte type, byte[] text) {}

  private final String host;
  private final int port;
  private final byte[] secret;
  private final int rank;
  private final int attempt;
  private final Deque<Frame> queue = new ArrayDeque<>();
  private final Thread thread;
  private long dropped;
  private boolean sending;
  private boolean closed;
  private Socket socket;
  private volatile boolean askedToStop;

  Publisher(String host, int port, byte[] secret, int rank, int attempt) {
    this.host = host;
    this.port = port;
    this.secret = secret;
    this.rank = rank;
    this.attempt = attempt;
    thread = new Thread(this::work, "plumbline-feed-" + rank);
    thread.setDaemon(true);
    thread.start();
  }

  /** Whether the driver has asked the gang to stop at its next step. */
  boolean isAskedToStop() {
    return askedToStop;
  }

  void publish(String line) {
    add(new Frame(FeedProtocol.LINE, line.getBytes(StandardCharsets.UTF_8)));
  }

  /** Tells the driver how this rank ended, for when Spark's own message would not. */
  void report(Outcome outcome) {
    add(new Frame(FeedProtocol.OUTCOME, outcome.encode().getBytes(StandardCharsets.US_ASCII)));
  }

  private void add(Frame frame) {
    synchronized (queue) {
      if (closed || frame.text().length > FeedProtocol.LONGEST_LINE) {
        dropped++;
        return;
      }
      if (queue.size() == MOST_LINES) {
        queue.removeFirst();
        dropped++;
      }
      queue.addLast(frame);
      queue.notifyAll();
    }
  }

  /** How many lines did not reach the wire. */
  long dropped() {
    synchronized (queue) {
      return dropped;
    }
  }

  private void work() {
    // One rank is enough to hear a request to stop, which it tells the others: it calls the driver
    // before it has anything to say.
    boolean calls = rank == 0;
    boolean warned = false;
    while (true) {
      synchronized (queue) {
        while (queue.isEmpty() && !calls) {
          if (closed) {
            return;
          }
          try {
            queue.wait();
          } catch (InterruptedException e) {
            return;
          }
        }
      }
      try (Socket connection = connect();
          DataOutputStream out =
              new DataOutputStream(new BufferedOutputStream(connection.getOutputStream()))) {
        Thread listening = new Thread(() -> listen(connection), "plumbline-feed-back-" + rank);
        listening.setDaemon(true);
        listening.start();
        send(out);
        return;
      } catch (IOException e) {
        if (!warned) {
          warned = true;
          LOG.warn(
              "Rank {} cannot publish to the driver at {} port {}, its lines may be lost: {}",
              rank,
              host,
              port,
              e.toString());
        }
      }
      synchronized (queue) {
        sending = false;
        queue.notifyAll();
        if (closed) {
          return;
        }
        try {
          queue.wait(RETRY_MILLIS);
        } catch (InterruptedException e) {
          return;
        }
      }
    }
  }

  /** Waits for the driver's request until the connection ends. */
  private void listen(Socket connection) {
    try {
      connection.setSoTimeout(0);
      InputStream in = connection.getInputStream();
      for (int sign = in.read(); sign >= 0; sign = in.read()) {
        askedToStop |= sign == FeedProtocol.STOP;
      }
    } catch (IOException e) {
      LOG.debug("The way back from the driver ended", e);
    }
  }

  private Socket connect() throws IOException {
    Socket connection = new Socket();
    synchronized (queue) {
      socket = connection;
    }
    try {
      connection.connect(new InetSocketAddress(host, port), FeedProtocol.HANDSHAKE_MILLIS);
      connection.setSoTimeout(FeedProtocol.HANDSHAKE_MILLIS);
      connection.setTcpNoDelay(true);
      DataInputStream in = new DataInputStream(connection.getInputStream());
      DataOutputStream out = new DataOutputStream(connection.getOutputStream());
      if (in.readLong() != FeedProtocol.MAGIC) {
        throw new IOException("this is not the driver");
      }
      byte[] driverNonce = new byte[FeedProtocol.NONCE];
      in.readFully(driverNonce);
      byte[] nonce = FeedProtocol.nonce();
      out.writeInt(rank);
      out.writeInt(attempt);
      out.write(nonce);
      out.write(FeedProtocol.proof("member", secret, driverNonce, rank, attempt, nonce));
      out.flush();
      byte[] shown = new byte[FeedProtocol.PROOF];
      in.readFully(shown);
      byte[] expected = FeedProtocol.proof("driver", secret, driverNonce, rank, attempt, nonce);
      if (!MessageDigest.isEqual(shown, expected)) {
        throw new IOException("this is not the driver of this job");
      }
      return connection;
    } catch (IOException e) {
      connection.close();
      throw e;
    }
  }

  /** Sends until closed and empty. */
  private void send(DataOutputStream out) throws IOException {
    while (true) {
      Frame frame;
      synchronized (queue) {
        sending = false;
        queue.notifyAll();
        while (queue.isEmpty()) {
          if (closed) {
            return;
          }
          try {
            queue.wait();
          } catch (InterruptedException e) {
            return;
          }
        }
        frame = queue.removeFirst();
        sending = true;
      }
      out.writeByte(frame.type());
      out.writeInt(frame.text().length);
      out.write(frame.text());
      out.flush();
    }
  }

  /** Gives what is queued a few seconds to leave. */
  @Override
  public void close() {
    boolean interrupted = false;
    synchronized (queue) {
      if (closed) {
        return;
      }
      closed = true;
      queue.notifyAll();
    }
    try {
      thread.join(FLUSH_MILLIS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    synchronized (queue) {
      dropped += queue.size() + (sending ? 1 : 0);
      queue.clear();
      if (socket != null) {
        try {
          socket.close();
        } catch (IOException e) {
          LOG.debug("Closing the feed of rank {} failed", rank, e);
        }
      }
      if (dropped > 0) {
        LOG.warn("Rank {} dropped {} lines that the driver did not take", rank, dropped);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
