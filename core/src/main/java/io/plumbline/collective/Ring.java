package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank of a gang of processes, over sockets.
 *
 * <p>A message of up to {@link Plan#SMALL_BYTES} goes straight to every peer, over the connection
 * that each pair has. Larger ones go around a ring: reduce-scatter, then all-gather, as one stream
 * in which every float is passed on as soon as it has been added, so that all ranks send and
 * receive all the time. The headers of both kinds, and the note that a failing rank leaves, use the
 * pairs' connections: every rank hears of a failure first-hand and at once.
 *
 * <p>Wire format of the pairs' connections, little-endian: payload bytes (int), frame type (byte),
 * operation kind (byte), root (short), sequence (long), elements (long), payload. The connections
 * of the ring carry nothing but floats.
 */
final class Ring implements Collective {
  private static final Logger LOG = LoggerFactory.getLogger(Ring.class);

  private static final int HEADER = 24;
  private static final int INBOX = 4 * (HEADER + Plan.SMALL_BYTES);
  private static final int MOST_NOTE = 4096;
  private static final int STAGE = 256 << 10;
  private static final int BLOCK = 8192;
  private static final long SPIN_NANOS = 50_000;
  private static final long POLL_MILLIS = 100;

  private static final byte OPERATION = 1;
  private static final byte BYE = 2;
  private static final byte FAILED = 3;

  /** The connection with one other rank. */
  private static final class Peer {
    final int rank;
    final SelectionKey key;
    final SocketChannel channel;

    /** Holds [consumed, position); frames before {@code scanned} are complete and known. */
    final ByteBuffer in = direct(INBOX);

    final ByteBuffer out = direct(INBOX);
    int consumed;
    int scanned;
    boolean left;
    boolean ended;
    IOException error;
    PlumblineException failure;
    int blamed;

    Peer(int rank, SelectionKey key) {
      this.rank = rank;
      this.key = key;
      this.channel = (SocketChannel) key.channel();
      out.limit(0);
    }
  }

  private final Membership me;
  private final int rank;
  private final int worldSize;
  private final Selector selector;
  private final Peer[] peers;
  private final Peer next;
  private final Peer previous;
  private final SelectionKey ringOutKey;
  private final SelectionKey ringInKey;
  private final SocketChannel ringOut;
  private final SocketChannel ringIn;
  private final Consumer<SelectionKey> onReady = this::ready;

  private final ByteBuffer message = direct(HEADER + Plan.SMALL_BYTES);
  private final ByteBuffer outStage = direct(STAGE);
  private final FloatBuffer outFloats = outStage.asFloatBuffer();
  private final ByteBuffer inStage = direct(STAGE);
  private final FloatBuffer inFloats = inStage.asFloatBuffer();
  private final float[] sum = new float[BLOCK];
  private final float[] added = new float[BLOCK];

  private Operation.Kind kind = Operation.Kind.BARRIER;
  private long sequence;
  private long length;
  private int root;
  private long lastMove;
  private volatile PlumblineException broken;
  private boolean closed;

  /** The rank whose failure is to be passed on: this one, unless another was there first. */
  private int blamed;

  Ring(
      Membership me,
      Selector selector,
      SelectionKey[] mesh,
      SelectionKey ringOutKey,
      SelectionKey ringInKey) {
    this.me = me;
    this.rank = me.rank();
    this.worldSize = me.worldSize();
    this.selector = selector;
    this.ringOutKey = ringOutKey;
    this.ringInKey = ringInKey;
    blamed = rank;
    ringOut = (SocketChannel) ringOutKey.channel();
    ringIn = (SocketChannel) ringInKey.channel();
    peers = new Peer[worldSize];
    for (int peer = 0; peer < worldSize; peer++) {
      if (peer != rank) {
        peers[peer] = new Peer(peer, mesh[peer]);
        mesh[peer].attach(peers[peer]);
        mesh[peer].interestOps(SelectionKey.OP_READ);
      }
    }
    next = peers[(rank + 1) % worldSize];
    previous = peers[(rank + worldSize - 1) % worldSize];
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int worldSize() {
    return worldSize;
  }

  @Override
  public void allReduceSum(FloatBuffer values) {
    begin(Operation.Kind.SUM_FLOATS, values.remaining(), 0);
    try {
      if (length <= Plan.SMALL_FLOATS) {
        int count = (int) length;
        int start = values.position();
        message.clear();
        for (int i = 0; i < count; i++) {
          message.putFloat(HEADER + i * Float.BYTES, values.get(start + i));
        }
        exchange(count * Float.BYTES);
        for (int i = 0; i < count; i++) {
          int at = HEADER + i * Float.BYTES;
          float total = floatOf(0, at);
          for (int peer = 1; peer < worldSize; peer++) {
            total += floatOf(peer, at);
          }
          values.put(start + i, total);
        }
        consumeAll();
      } else {
        stream(values, worldSize);
      }
    } catch (IOException | RuntimeException e) {
      throw fail(e);
    }
  }

  private float floatOf(int peer, int at) {
    return peer == rank ? message.getFloat(at) : peers[peer].in.getFloat(peers[peer].consumed + at);
  }

  private double doubleOf(int peer, int at) {
    return peer == rank
        ? message.getDouble(at)
        : peers[peer].in.getDouble(peers[peer].consumed + at);
  }

  @Override
  public void allReduceSum(double[] values) {
    int from = 0;
    do {
      begin(Operation.Kind.SUM_DOUBLES, values.length, 0);
      try {
        int count = Math.min(Plan.SMALL_DOUBLES, values.length - from);
        message.clear();
        for (int i = 0; i < count; i++) {
          message.putDouble(HEADER + i * Double.BYTES, values[from + i]);
        }
        exchange(count * Double.BYTES);
        for (int i = 0; i < count; i++) {
          int at = HEADER + i * Double.BYTES;
          double total = doubleOf(0, at);
          for (int peer = 1; peer < worldSize; peer++) {
            total += doubleOf(peer, at);
          }
          values[from + i] = total;
        }
        consumeAll();
        from += count;
      } catch (IOException | RuntimeException e) {
        throw fail(e);
      }
    } while (from < values.length);
  }

  @Override
  public void broadcast(FloatBuffer values, int root) {
    Failures.checkRoot(root, worldSize);
    begin(Operation.Kind.BROADCAST, values.remaining(), root);
    try {
      stream(values, 1);
    } catch (IOException | RuntimeException e) {
      throw fail(e);
    }
  }

  @Override
  public void barrier() {
    begin(Operation.Kind.BARRIER, 0, 0);
    try {
      message.clear();
      exchange(0);
      consumeAll();
    } catch (IOException | RuntimeException e) {
      throw fail(e);
    }
  }

  private void begin(Operation.Kind newKind, long newLength, int newRoot) {
    if (broken != null) {
      throw Failures.again(broken);
    }
    if (closed) {
      throw Failures.closed(rank);
    }
    kind = newKind;
    length = newLength;
    root = newRoot;
    sequence++;
    lastMove = System.nanoTime();
  }

  private String doing() {
    return Operation.describe(kind, sequence, length, root);
  }

  // ---- small messages, to all at once ----

  /** Sends the message to all, and returns when all peers' messages are in their inboxes. */
  private void exchange(int payload) throws IOException {
    header(message, payload, OPERATION);
    for (Peer peer : peers) {
      if (peer != null) {
        send(peer, HEADER + payload);
      }
    }
    for (Peer peer : peers) {
      if (peer != null) {
        awaitFrame(peer, payload);
      }
    }
    for (Peer peer : peers) {
      if (peer != null) {
        flush(peer);
      }
    }
  }

  private void header(ByteBuffer buffer, int payload, byte type) {
    buffer.putInt(0, payload);
    buffer.put(4, type);
    buffer.put(5, kind.code);
    buffer.putShort(6, (short) root);
    buffer.putLong(8, sequence);
    buffer.putLong(16, length);
  }

  private void send(Peer peer, int bytes) throws IOException {
    flush(peer);
    message.limit(bytes).position(0);
    write(peer, message);
    if (message.hasRemaining()) {
      peer.out.clear();
      peer.out.put(message);
      peer.out.flip();
    }
  }

  private void write(Peer peer, ByteBuffer buffer) throws IOException {
    try {
      if (peer.channel.write(buffer) > 0) {
        lastMove = System.nanoTime();
      }
    } catch (IOException e) {
      throwIfInterrupted();
      // What the peer said before it went, if anything, is still to be read.
      peer.error = e;
      listen(peer);
      throw gone(peer);
    }
  }

  private void flush(Peer peer) throws IOException {
    while (peer.out.hasRemaining()) {
      write(peer, peer.out);
      if (peer.out.hasRemaining()) {
        peer.key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        pause(peer, peer);
        peer.key.interestOps(SelectionKey.OP_READ);
      }
    }
  }

  private void awaitFrame(Peer peer, int payload) throws IOException {
    long spinUntil = 0;
    while (!frameIsThere(peer)) {
      if (peer.left || peer.ended) {
        throw gone(peer);
      }
      if (listen(peer)) {
        continue;
      }
      long now = System.nanoTime();
      if (spinUntil == 0) {
        spinUntil = now + SPIN_NANOS;
      }
      if (now < spinUntil) {
        Spin.once();
      } else {
        pause(peer, null);
      }
    }
    check(peer, payload);
  }

  /** Skips notes; a complete operation frame then starts at {@code consumed}. */
  private boolean frameIsThere(Peer peer) {
    while (peer.consumed < peer.scanned) {
      if (peer.in.get(peer.consumed + 4) == OPERATION) {
        return true;
      }
      consume(peer);
    }
    return false;
  }

  private void check(Peer peer, int payload) {
    ByteBuffer in = peer.in;
    int at = peer.consumed;
    long theirSequence = in.getLong(at + 8);
    long theirLength = in.getLong(at + 16);
    int theirKind = in.get(at + 5);
    int theirRoot = in.getShort(at + 6);
    if (theirKind != kind.code
        || theirSequence != sequence
        || theirLength != length
        || theirRoot != root
        || in.getInt(at) != payload) {
      Operation.Kind called = Operation.kind(theirKind);
      throw Failures.mismatch(
          rank,
          doing(),
          peer.rank,
          called == null
              ? "something unknown"
              : Operation.describe(called, theirSequence, theirLength, theirRoot));
    }
  }

  private void consumeAll() {
    for (Peer peer : peers) {
      if (peer != null) {
        consume(peer);
      }
    }
  }

  private static void consume(Peer peer) {
    peer.consumed += HEADER + peer.in.getInt(peer.consumed);
    if (peer.consumed == peer.in.position()) {
      peer.in.clear();
      peer.consumed = 0;
      peer.scanned = 0;
    }
  }

  /**
   * Reads what a peer has sent.
   *
   * @return whether anything came
   */
  private boolean listen(Peer peer) {
    ByteBuffer in = peer.in;
    if (!in.hasRemaining() && peer.consumed > 0) {
      int shift = peer.consumed;
      in.flip().position(shift);
      in.compact();
      peer.consumed = 0;
      peer.scanned -= shift;
    }
    if (peer.ended || !in.hasRemaining()) {
      return false;
    }
    int read;
    try {
      read = peer.channel.read(in);
    } catch (IOException e) {
      throwIfInterrupted();
      peer.error = e;
      read = -1;
    }
    if (read < 0) {
      peer.ended = true;
      // An end would wake every wait from now on.
      peer.key.interestOps(0);
      if (!peer.left) {
        throw gone(peer);
      }
      return false;
    }
    scan(peer);
    return read > 0;
  }

  private void scan(Peer peer) {
    ByteBuffer in = peer.in;
    while (in.position() - peer.scanned >= HEADER) {
      int payload = in.getInt(peer.scanned);
      byte type = in.get(peer.scanned + 4);
      if (payload < 0 || payload > Plan.SMALL_BYTES || type < OPERATION || type > FAILED) {
        throw Failures.broken(
            "Rank %d sent rank %d something that is no message; all ranks must run the same version."
                .formatted(peer.rank, rank),
            null);
      }
      if (in.position() - peer.scanned < HEADER + payload) {
        return;
      }
      if (type == BYE) {
        peer.left = true;
      } else if (type == FAILED) {
        note(peer, peer.scanned + HEADER, payload);
      }
      peer.scanned += HEADER + payload;
    }
    if (peer.failure != null) {
      throw told(peer);
    }
  }

  /** Such as "NUMERICS 2 The loss is not finite.": what failed on which rank. */
  private static void note(Peer peer, int at, int bytes) {
    byte[] text = new byte[bytes];
    peer.in.get(at, text);
    String[] parts = new String(text, StandardCharsets.UTF_8).split(" ", 3);
    try {
      peer.blamed = Integer.parseInt(parts[1]);
      peer.failure = new PlumblineException(ErrorCode.valueOf(parts[0]), parts[2]);
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      peer.blamed = peer.rank;
      peer.failure = new PlumblineException(ErrorCode.INTERNAL, "It did not say why.", e);
    }
  }

  private PlumblineException told(Peer peer) {
    blamed = peer.blamed;
    return Failures.told(peer.blamed, peer.failure);
  }

  // ---- bulk data, around the ring ----

  /**
   * With as many segments as ranks: sums. What a rank receives in one step is what it sends in the
   * next, so its outgoing stream is its own segment followed by the incoming stream without the
   * last segment. In the first worldSize - 1 steps the incoming values are added, then they are
   * sums and are copied. With one segment: a broadcast, the stream being the values themselves.
   */
  private void stream(FloatBuffer values, int segments) throws IOException {
    boolean sums = segments == worldSize && kind == Operation.Kind.SUM_FLOATS;
    int base = values.position();
    int steps = sums ? 2 * (worldSize - 1) : 1;
    long toSend = 0;
    long toReceive = 0;
    long ownFirst;
    if (sums) {
      for (int step = 0; step < steps; step++) {
        toSend += Plan.length(length, segment(rank - step), segments);
        toReceive += Plan.length(length, segment(rank - step - 1), segments);
      }
      ownFirst = Plan.length(length, rank, segments);
    } else {
      toSend = next.rank == root ? 0 : length;
      toReceive = rank == root ? 0 : length;
      ownFirst = rank == root ? length : 0;
    }
    header(message, 0, OPERATION);
    send(next, HEADER);

    int sendStep = 0;
    int sendOffset = 0;
    int receiveStep = 0;
    int receiveOffset = 0;
    long staged = 0;
    long received = 0;
    boolean checked = false;
    outStage.clear().limit(0);
    inStage.clear();
    long spinUntil = 0;
    while (true) {
      boolean moved = false;
      if (!checked) {
        if (frameIsThere(previous) || (listen(previous) && frameIsThere(previous))) {
          check(previous, 0);
          consume(previous);
          checked = true;
          moved = true;
        }
      } else if (received < toReceive) {
        long bytesLeft = (toReceive - received) * Float.BYTES;
        inStage.limit((int) Math.min(STAGE, bytesLeft));
        if (read() > 0) {
          moved = true;
          int floats = inStage.position() / Float.BYTES;
          int done = 0;
          while (done < floats) {
            int segment = sums ? segment(rank - receiveStep - 1) : 0;
            int size = sums ? Plan.length(length, segment, segments) : (int) length;
            int start = base + (sums ? Plan.start(length, segment, segments) : 0);
            int count = Math.min(Math.min(floats - done, size - receiveOffset), BLOCK);
            if (count > 0) {
              if (sums && receiveStep < worldSize - 1) {
                inFloats.get(done, added, 0, count);
                values.get(start + receiveOffset, sum, 0, count);
                Plan.add(sum, added, count);
                values.put(start + receiveOffset, sum, 0, count);
              } else {
                values.put(start + receiveOffset, inFloats, done, count);
              }
            }
            done += count;
            receiveOffset += count;
            if (receiveOffset == size) {
              receiveOffset = 0;
              receiveStep++;
            }
          }
          received += floats;
          inStage.flip().position(floats * Float.BYTES);
          inStage.compact();
        }
      }
      if (!outStage.hasRemaining() && staged < toSend && staged < ownFirst + received) {
        int room =
            (int) Math.min(STAGE / Float.BYTES, Math.min(toSend, ownFirst + received) - staged);
        int filled = 0;
        while (filled < room) {
          int segment = sums ? segment(rank - sendStep) : 0;
          int size = sums ? Plan.length(length, segment, segments) : (int) length;
          int start = base + (sums ? Plan.start(length, segment, segments) : 0);
          int count = Math.min(room - filled, size - sendOffset);
          if (count > 0) {
            outFloats.put(filled, values, start + sendOffset, count);
          }
          filled += count;
          sendOffset += count;
          if (sendOffset == size) {
            sendOffset = 0;
            sendStep++;
          }
        }
        staged += filled;
        outStage.limit(filled * Float.BYTES).position(0);
      }
      if (outStage.hasRemaining()) {
        moved |= write() > 0;
      }
      if (checked && received == toReceive && staged == toSend && !outStage.hasRemaining()) {
        break;
      }
      if (moved) {
        lastMove = System.nanoTime();
        spinUntil = 0;
        continue;
      }
      if (spinUntil == 0) {
        spinUntil = System.nanoTime() + SPIN_NANOS;
      }
      if (System.nanoTime() < spinUntil) {
        Spin.once();
        continue;
      }
      boolean sending = outStage.hasRemaining();
      boolean receiving = checked && received < toReceive;
      ringInKey.interestOps(receiving ? SelectionKey.OP_READ : 0);
      ringOutKey.interestOps(sending ? SelectionKey.OP_WRITE : 0);
      pause(receiving || !checked ? previous : null, sending ? next : null);
      ringInKey.interestOps(0);
      ringOutKey.interestOps(0);
    }
    flush(next);
  }

  private int segment(int index) {
    return Math.floorMod(index, worldSize);
  }

  private int read() throws IOException {
    int read;
    IOException error = null;
    try {
      read = ringIn.read(inStage);
    } catch (IOException e) {
      throwIfInterrupted();
      error = e;
      read = -1;
    }
    if (read < 0) {
      throw lost(previous, error);
    }
    return read;
  }

  private int write() throws IOException {
    try {
      return ringOut.write(outStage);
    } catch (IOException e) {
      throwIfInterrupted();
      throw lost(next, e);
    }
  }

  /**
   * The ring was cut. The rank that went away first may be another one, whose end made the
   * neighbour go: the pairs' connections say so, perhaps a moment later.
   */
  private PlumblineException lost(Peer neighbour, IOException error) throws IOException {
    neighbour.error = error;
    long until = System.nanoTime() + 500_000_000L;
    while (!neighbour.left && !neighbour.ended && System.nanoTime() < until) {
      selector.select(onReady, 50);
      throwIfInterrupted();
    }
    return gone(neighbour);
  }

  // ---- waiting ----

  /** Waits until something moves, for {@code from} to send or {@code to} to take. */
  private void pause(Peer from, Peer to) throws IOException {
    throwIfInterrupted();
    if (from != null && (from.left || from.ended)) {
      throw gone(from);
    }
    if (to != null && (to.left || to.ended)) {
      throw gone(to);
    }
    long silent = System.nanoTime() - lastMove;
    long left = me.deadline().toNanos() - silent;
    if (left <= 0) {
      throw Failures.late(rank, me.deadline(), awaited(from, to), doing());
    }
    selector.select(onReady, Math.max(1, Math.min(POLL_MILLIS, left / 1_000_000)));
  }

  private static String awaited(Peer from, Peer to) {
    if (from == null || to == null || from == to) {
      return "rank " + (from == null ? to : from).rank;
    }
    return "ranks %d and %d".formatted(from.rank, to.rank);
  }

  private void ready(SelectionKey key) {
    if (key.attachment() instanceof Peer peer && key.isReadable()) {
      if (listen(peer)) {
        lastMove = System.nanoTime();
      } else if (!peer.ended && !peer.in.hasRemaining()) {
        // A full inbox must not wake the selector for ever; the peer is far ahead.
        Spin.once();
      }
    }
  }

  private void throwIfInterrupted() {
    if (Thread.currentThread().isInterrupted() || me.interrupted().getAsBoolean()) {
      throw Failures.interrupted(rank, doing());
    }
  }

  private PlumblineException gone(Peer peer) {
    if (peer.failure != null) {
      return told(peer);
    }
    return peer.left
        ? Failures.left(rank, peer.rank, doing())
        : Failures.gone(rank, peer.rank, doing(), peer.error);
  }

  // ---- the end ----

  private PlumblineException fail(Exception e) {
    PlumblineException failure;
    if (e instanceof PlumblineException known) {
      failure = known;
    } else if (Thread.currentThread().isInterrupted()) {
      failure = Failures.interrupted(rank, doing());
    } else {
      failure =
          new PlumblineException(
              e instanceof IOException ? ErrorCode.GANG_BROKEN : ErrorCode.INTERNAL,
              "Rank %d failed in %s: %s".formatted(rank, doing(), e),
              e);
    }
    broken = failure;
    disconnect(FAILED, Failures.origin(failure));
    return failure;
  }

  @Override
  public void abandon(PlumblineException failure) {
    if (!closed && broken == null) {
      disconnect(FAILED, Failures.origin(failure));
    }
    closed = true;
  }

  @Override
  public void close() {
    if (!closed && broken == null) {
      disconnect(BYE, null);
    }
    closed = true;
  }

  private void disconnect(byte type, PlumblineException failure) {
    // A write by an interrupted thread would close the connection without the note.
    boolean interrupted = Thread.interrupted();
    byte[] note = new byte[0];
    if (failure != null) {
      String text = "%s %d %s".formatted(failure.code(), blamed, failure.getMessage());
      note = text.getBytes(StandardCharsets.UTF_8);
      if (note.length > MOST_NOTE) {
        note = java.util.Arrays.copyOf(note, MOST_NOTE);
      }
    }
    for (Peer peer : peers) {
      if (peer != null) {
        if (!peer.ended && !peer.out.hasRemaining()) {
          message.clear();
          header(message, note.length, type);
          message.put(HEADER, note);
          message.limit(HEADER + note.length);
          try {
            peer.channel.write(message);
          } catch (IOException e) {
            LOG.debug("Rank {} could not tell rank {} that it leaves", rank, peer.rank, e);
          }
        }
        RingListener.closeQuietly(peer.channel);
      }
    }
    RingListener.closeQuietly(ringOut);
    RingListener.closeQuietly(ringIn);
    RingListener.closeQuietly(selector);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
