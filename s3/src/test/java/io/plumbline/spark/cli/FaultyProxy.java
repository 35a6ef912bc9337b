package io.plumbline.spark.cli;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Stands before a server, counts what it is asked, and does to requests what networks and servers
 * do, at times that a seed decides. One request a connection.
 */
final class FaultyProxy implements AutoCloseable {
  enum Fault {
    NONE,
    /** The server is busy: 503. */
    BUSY,
    /** The connection breaks within what the client sends. */
    DROPPED_REQUEST,
    /** The server has done what it was asked, and the answer is lost. */
    LOST_ANSWER,
    /** The connection breaks within what the server sends. */
    DROPPED_ANSWER,
    /** Nothing comes, until the client gives up. */
    SILENCE
  }

  private static final int TIMEOUT_MILLIS = 30_000;
  private static final byte[] BUSY_ANSWER =
      ("HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
              + "Content-Length: 83\r\n\r\n"
              + "<Error><Code>SlowDown</Code><Message>Please reduce your request rate."
              + "</Message></Error>")
          .getBytes(StandardCharsets.US_ASCII);

  private final ServerSocket listener;
  private final int target;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "faulty-proxy");
            thread.setDaemon(true);
            return thread;
          });
  private final List<String> requests = new ArrayList<>();
  private final LongAdder sent = new LongAdder();
  private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);

  /** S3 creates on condition in one act. This server looks and then writes: here it may not. */
  private final Lock creation = new ReentrantLock();

  private Random random = new Random(0);
  private double rate;
  private boolean silent;

  private FaultyProxy(ServerSocket listener, int target) {
    this.listener = listener;
    this.target = target;
  }

  /** Before the server on a port of this host; without faults until told. */
  static FaultyProxy before(int target) throws IOException {
    ServerSocket listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
    FaultyProxy proxy = new FaultyProxy(listener, target);
    proxy.threads.execute(proxy::accept);
    return proxy;
  }

  int port() {
    return listener.getLocalPort();
  }

  /** From now on so large a part of the requests goes wrong. */
  synchronized void disturb(long seed, double part) {
    random = new Random(seed);
    rate = part;
    silent = false;
    faults.clear();
  }

  synchronized void calm() {
    rate = 0;
    silent = false;
  }

  /** From now on nothing is answered. */
  synchronized void fallSilent() {
    silent = true;
  }

  /** How often each fault was done since {@link #disturb}. */
  synchronized Map<Fault, Integer> faults() {
    return new EnumMap<>(faults);
  }

  /** Bytes of answers that were sent to clients so far. */
  long sentBytes() {
    return sent.sum();
  }

  /** The requests since the last call, as METHOD and path with query. */
  synchronized List<String> takeRequests() {
    List<String> taken = List.copyOf(requests);
    requests.clear();
    return taken;
  }

  private synchronized Fault next(String request) {
    requests.add(request.replaceFirst(" HTTP/.*", ""));
    if (silent) {
      return Fault.SILENCE;
    }
    Fault fault =
        random.nextDouble() < rate
            ? Fault.values()[1 + random.nextInt(Fault.values().length - 1)]
            : Fault.NONE;
    if (fault != Fault.NONE) {
      faults.merge(fault, 1, Integer::sum);
    }
    return fault;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        threads.execute(() -> serve(client));
      } catch (IOException e) {
        return; // Closed.
      }
    }
  }

  private void serve(Socket accepted) {
    try (Socket client = accepted) {
      client.setSoTimeout(TIMEOUT_MILLIS);
      String head = head(client.getInputStream());
      if (head.isEmpty()) {
        return;
      }
      if (!head.toLowerCase(Locale.ROOT).contains("\r\nif-none-match:")) {
        serve(client, head);
        return;
      }
      creation.lock();
      try {
        serve(client, head);
      } finally {
        creation.unlock();
      }
    } catch (IOException e) {
      // What a broken connection looks like from here; the client sees it too.
    }
  }

  private void serve(Socket client, String head) throws IOException {
    try (Socket server = new Socket()) {
      Fault fault = next(head.substring(0, head.indexOf('\r')));
      switch (fault) {
        case BUSY -> {
          client.getOutputStream().write(BUSY_ANSWER);
          client.shutdownOutput();
          drain(client.getInputStream());
          return;
        }
        case SILENCE -> {
          drain(client.getInputStream()); // Ends when the client hangs up.
          return;
        }
        default -> {}
      }
      server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 5_000);
      server.setSoTimeout(TIMEOUT_MILLIS);
      server
          .getOutputStream()
          .write(
              head.replaceFirst("(?i)\r\nConnection: [^\r]*", "")
                  .replaceFirst("\r\n\r\n$", "\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.ISO_8859_1));
      long sent = fault == Fault.DROPPED_REQUEST ? bodyBytes(head) / 2 : Long.MAX_VALUE;
      threads.execute(() -> upstream(client, server, sent));
      if (fault == Fault.LOST_ANSWER) {
        drain(server.getInputStream());
        return;
      }
      long answered = Long.MAX_VALUE;
      if (fault == Fault.DROPPED_ANSWER) {
        String answer = head(server.getInputStream());
        client.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
        answered = bodyBytes(answer) / 2;
      }
      pipe(server.getInputStream(), counted(client.getOutputStream()), answered);
    }
  }

  private OutputStream counted(OutputStream output) {
    return new FilterOutputStream(output) {
      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        sent.add(length);
        out.write(bytes, offset, length);
      }
    };
  }

  private static void upstream(Socket client, Socket server, long bytes) {
    try {
      if (!pipe(client.getInputStream(), server.getOutputStream(), bytes)) {
        server.close();
        client.close();
      }
    } catch (IOException e) {
      // The other direction has closed both.
    }
  }

  private static long bodyBytes(String head) {
    for (String line : head.split("\r\n", -1)) {
      if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
        return Long.parseLong(line.substring(15).strip());
      }
    }
    return 0;
  }

  private static String head(InputStream input) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int matched = 0;
    while (matched < 4) {
      int b = input.read();
      if (b < 0) {
        return "";
      }
      head.write(b);
      matched = b == "\r\n\r\n".charAt(matched) ? matched + 1 : b == '\r' ? 1 : 0;
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  /** Copies; says whether the end came before the limit. */
  private static boolean pipe(InputStream from, OutputStream to, long limit) throws IOException {
    byte[] buffer = new byte[1 << 15];
    long left = limit;
    while (left > 0) {
      int n = from.read(buffer, 0, (int) Math.min(buffer.length, left));
      if (n < 0) {
        return true;
      }
      to.write(buffer, 0, n);
      to.flush();
      left -= n;
    }
    return false;
  }

  private static void drain(InputStream input) throws IOException {
    byte[] buffer = new byte[1 << 15];
    int n = 0;
    while (n >= 0) {
      n = input.read(buffer);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    threads.shutdownNow();
  }
}
