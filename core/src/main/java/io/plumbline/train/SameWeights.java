package io.plumbline.train;

import io.plumbline.base.Floats;
import io.plumbline.collective.Collective;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.tensor.Segment;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Whether all ranks hold the same weights, by a checksum of their bits. Every rank makes the same
 * update of its own copy, so a copy that differs once would differ for ever, and nothing else would
 * show it.
 */
final class SameWeights {
  private static final int CHUNK_FLOATS = 1 << 18;

  private final List<Segment> segments;
  private final Collective collective;

  SameWeights(List<Segment> segments, Collective collective) {
    this.segments = segments;
    this.collective = collective;
  }

  /**
   * Compares the weights that training begins with.
   *
   * @throws PlumblineException BAD_CHECKPOINT on every rank where one differs
   */
  void requireAtStart() {
    require(
        ErrorCode.BAD_CHECKPOINT,
        "%s holds other weights than rank 0 before the first step, in \"%s\": the model's files"
            + " differ between machines, or were replaced while ranks read them. Give --model a path"
            + " that is the same everywhere.");
  }

  /**
   * Compares the weights that a state is to hold.
   *
   * @param step after which it is
   * @throws PlumblineException NUMERICS on every rank where one differs
   */
  void requireAfter(long step) {
    require(
        ErrorCode.NUMERICS,
        "%s holds other weights than rank 0 after step "
            + step
            + ", in \"%s\": machines of the run compute other bits, or the memory of one is bad. Take"
            + " machines of one kind, and go on from the newest state by --resume.");
  }

  private void require(ErrorCode code, String sentence) {
    if (collective.worldSize() == 1) {
      return;
    }
    long[] own = segments.stream().mapToLong(SameWeights::checksum).toArray();
    CRC32C all = new CRC32C();
    for (long one : own) {
      all.update(ByteBuffer.allocate(Long.BYTES).putLong(0, one));
    }
    if (different(all.getValue()) < 0) {
      return;
    }
    for (int s = 0; s < own.length; s++) {
      int rank = different(own[s]);
      if (rank > 0) {
        throw new PlumblineException(
            code, sentence.formatted("Rank " + rank, segments.get(s).name()));
      }
    }
  }

  /** The first rank whose checksum is not that of rank 0; -1 where there is none. */
  private int different(long checksum) {
    double[] all = new double[collective.worldSize()];
    all[collective.rank()] = checksum;
    collective.allReduceSum(all);
    for (int rank = 1; rank < all.length; rank++) {
      if (all[rank] != all[0]) {
        return rank;
      }
    }
    return -1;
  }

  /** 32 bits of a segment's values, which a double holds exactly. */
  private static long checksum(Segment segment) {
    Floats values = segment.values();
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_FLOATS * Float.BYTES);
    CRC32C crc = new CRC32C();
    for (FloatBuffer piece : values.buffers()) {
      while (piece.hasRemaining()) {
        int n = Math.min(CHUNK_FLOATS, piece.remaining());
        FloatBuffer part = piece.slice(piece.position(), n);
        chunk.clear();
        chunk.asFloatBuffer().put(part);
        crc.update(chunk.limit(n * Float.BYTES));
        piece.position(piece.position() + n);
      }
    }
    return crc.getValue();
  }
}
