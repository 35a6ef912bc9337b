package io.plumbline.collective;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Both ends of a connection prove that they know the job's secret and are of the same attempt.
 *
 * <pre>
 * caller → answerer  magic, purpose, rank, world size, attempt, nonce
 * answerer → caller  rank, nonce, HMAC(secret, "answer" and all of the above)
 * caller → answerer  HMAC(secret, "call" and all of the above)
 * answerer → caller  one byte: welcome
 * </pre>
 *
 * The secret never travels, the nonces make a recording useless, and the labels keep one side's
 * proof from being played back as the other's. Never reads past its own bytes: what follows belongs
 * to the gang.
 */
final class Handshake {
  /** What a connection is for. */
  enum Purpose {
    /** Small messages and notes, between any two ranks. */
    MESH(1),
    /** Bulk data, from a rank to the next. */
    RING(2);

    final byte code;

    Purpose(int code) {
      this.code = (byte) code;
    }
  }

  private static final long MAGIC = 0x504c554d42523031L; // PLUMBR01
  private static final int NONCE = 32;
  private static final int PROOF = 32;
  private static final int HELLO = 8 + 1 + 4 + 4 + 4 + NONCE;
  private static final int ANSWER = 4 + NONCE + PROOF;
  private static final byte WELCOME = 1;
  private static final SecureRandom RANDOM = new SecureRandom();

  private enum Step {
    HELLO,
    ANSWER,
    PROOF,
    WELCOME,
    DONE
  }

  private final Membership me;
  private final boolean caller;
  private final byte[] nonce = new byte[NONCE];
  private final ByteBuffer in = ByteBuffer.allocate(ANSWER);
  private ByteBuffer out = ByteBuffer.allocate(0);
  private Purpose purpose;
  private int peer;
  private byte[] callerNonce;
  private byte[] answererNonce;
  private Step awaited;

  private Handshake(Membership me, boolean caller) {
    this.me = me;
    this.caller = caller;
    RANDOM.nextBytes(nonce);
  }

  static Handshake call(Membership me, int peer, Purpose purpose) {
    Handshake handshake = new Handshake(me, true);
    handshake.peer = peer;
    handshake.purpose = purpose;
    handshake.callerNonce = handshake.nonce;
    handshake.out =
        ByteBuffer.allocate(HELLO)
            .putLong(MAGIC)
            .put(purpose.code)
            .putInt(me.rank())
            .putInt(me.worldSize())
            .putInt(me.attempt())
            .put(handshake.nonce)
            .flip();
    handshake.await(Step.ANSWER, ANSWER);
    return handshake;
  }

  static Handshake answer(Membership me) {
    Handshake handshake = new Handshake(me, false);
    handshake.answererNonce = handshake.nonce;
    handshake.await(Step.HELLO, HELLO);
    return handshake;
  }

  boolean isCaller() {
    return caller;
  }

  int peer() {
    return peer;
  }

  Purpose purpose() {
    return purpose;
  }

  boolean wantsToWrite() {
    return out.hasRemaining();
  }

  /**
   * Moves on as far as the channel allows without blocking.
   *
   * @return whether the handshake is complete
   * @throws IOException when the other side is not of this gang, or went away
   */
  boolean advance(SocketChannel channel) throws IOException {
    while (true) {
      while (out.hasRemaining()) {
        if (channel.write(out) == 0) {
          return false;
        }
      }
      if (awaited == Step.DONE) {
        return true;
      }
      while (in.hasRemaining()) {
        int read = channel.read(in);
        if (read < 0) {
          throw new EOFException("closed while waiting for " + awaited);
        }
        if (read == 0) {
          return false;
        }
      }
      in.flip();
      receive();
    }
  }

  private void receive() throws IOException {
    switch (awaited) {
      case HELLO -> {
        long magic = in.getLong();
        int asked = in.get();
        peer = in.getInt();
        int worldSize = in.getInt();
        int attempt = in.getInt();
        callerNonce = new byte[NONCE];
        in.get(callerNonce);
        if (magic != MAGIC || asked < 1 || asked > 2) {
          throw new IOException("not a rank");
        }
        if (worldSize != me.worldSize() || attempt != me.attempt()) {
          throw new IOException("another gang or attempt");
        }
        if (peer < 0 || peer >= worldSize || peer == me.rank()) {
          throw new IOException("no such peer");
        }
        purpose = asked == Purpose.MESH.code ? Purpose.MESH : Purpose.RING;
        out =
            ByteBuffer.allocate(ANSWER)
                .putInt(me.rank())
                .put(nonce)
                .put(proof("answer", peer, me.rank()))
                .flip();
        await(Step.PROOF, PROOF);
      }
      case ANSWER -> {
        int answerer = in.getInt();
        answererNonce = new byte[NONCE];
        in.get(answererNonce);
        if (answerer != peer) {
          throw new IOException("another rank answered");
        }
        check("answer", me.rank(), peer);
        out = ByteBuffer.wrap(proof("call", me.rank(), peer));
        await(Step.WELCOME, 1);
      }
      case PROOF -> {
        check("call", peer, me.rank());
        out = ByteBuffer.wrap(new byte[] {WELCOME});
        await(Step.DONE, 0);
      }
      case WELCOME -> {
        if (in.get() != WELCOME) {
          throw new IOException("not welcome");
        }
        await(Step.DONE, 0);
      }
      case DONE -> throw new IllegalStateException("the handshake is over");
    }
  }

  private void await(Step step, int bytes) {
    awaited = step;
    in.clear().limit(bytes);
  }

  private void check(String side, int callerRank, int answererRank) throws IOException {
    byte[] shown = new byte[PROOF];
    in.get(shown);
    if (!MessageDigest.isEqual(shown, proof(side, callerRank, answererRank))) {
      throw new IOException("wrong secret");
    }
  }

  private byte[] proof(String side, int callerRank, int answererRank) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(me.secret(), "HmacSHA256"));
      mac.update(side.getBytes(StandardCharsets.US_ASCII));
      mac.update(
          ByteBuffer.allocate(8 + 1 + 16)
              .putLong(MAGIC)
              .put(purpose.code)
              .putInt(callerRank)
              .putInt(answererRank)
              .putInt(me.worldSize())
              .putInt(me.attempt())
              .array());
      mac.update(callerNonce);
      return mac.doFinal(answererNonce);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }
}
