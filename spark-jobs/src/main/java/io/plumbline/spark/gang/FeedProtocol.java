package io.plumbline.spark.gang;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The feed from ranks to the driver, and the driver's request to stop.
 *
 * <pre>
 * driver → rank  magic, nonce
 * rank → driver  rank, attempt, nonce, HMAC(secret, "member" and all of the above)
 * driver → rank  HMAC(secret, "driver" and all of the above)
 * rank → driver  frames: type, length, text
 * driver → rank  1, once or more, where ranks are to stop
 * </pre>
 */
final class FeedProtocol {
  static final long MAGIC = 0x504c554d42463031L; // PLUMBF01
  static final int NONCE = 32;
  static final int PROOF = 32;
  static final int HANDSHAKE_MILLIS = 5_000;
  static final int LONGEST_LINE = 8 << 20;
  static final byte LINE = 1;
  static final byte OUTCOME = 2;

  static final byte STOP = 1;

  private static final SecureRandom RANDOM = new SecureRandom();

  private FeedProtocol() {}

  static byte[] nonce() {
    byte[] nonce = new byte[NONCE];
    RANDOM.nextBytes(nonce);
    return nonce;
  }

  static byte[] proof(
      String side, byte[] secret, byte[] driverNonce, int rank, int attempt, byte[] memberNonce) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      mac.update(("feed " + side).getBytes(StandardCharsets.US_ASCII));
      mac.update(driverNonce);
      mac.update(ByteBuffer.allocate(8).putInt(rank).putInt(attempt).array());
      return mac.doFinal(memberNonce);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }
}
