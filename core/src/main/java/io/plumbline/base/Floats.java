package io.plumbline.base;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Floats of any number, in as many buffers as that takes: one buffer ends at 2 GiB. A view, which
 * is valid for as long as the memory below it.
 */
public final class Floats {
  private final List<FloatBuffer> pieces = new ArrayList<>();

  /** By piece, how many floats are before it; behind them, how many there are in all. */
  private final long[] starts;

  private Floats(List<FloatBuffer> buffers) {
    starts = new long[buffers.size() + 1];
    for (FloatBuffer buffer : buffers) {
      pieces.add(buffer.slice());
      starts[pieces.size()] = starts[pieces.size() - 1] + buffer.remaining();
    }
  }

  /** The floats of buffers, from position to limit, one buffer behind the other. */
  public static Floats of(List<FloatBuffer> buffers) {
    return new Floats(buffers.stream().filter(FloatBuffer::hasRemaining).toList());
  }

  /** The floats of one buffer, from position to limit. */
  public static Floats of(FloatBuffer buffer) {
    return of(List.of(buffer));
  }

  public long length() {
    return starts[pieces.size()];
  }

  /** The floats in order, from position to limit of each buffer; positions are the caller's own. */
  public List<FloatBuffer> buffers() {
    return pieces.stream().map(FloatBuffer::duplicate).toList();
  }

  /** A run of these floats, in the same memory. */
  public Floats slice(long from, long length) {
    if (from < 0 || length < 0 || from > length() - length) {
      throw new IndexOutOfBoundsException(length + " floats from " + from + " of " + length());
    }
    List<FloatBuffer> parts = new ArrayList<>();
    for (int i = 0; i < pieces.size(); i++) {
      long start = Math.max(from, starts[i]);
      long end = Math.min(from + length, starts[i + 1]);
      if (start < end) {
        parts.add(pieces.get(i).slice((int) (start - starts[i]), (int) (end - start)));
      }
    }
    return new Floats(parts);
  }

  /** One float by its place. */
  public float get(long place) {
    int piece = piece(place);
    return pieces.get(piece).get((int) (place - starts[piece]));
  }

  /** Changes one float by its place. */
  public void put(long place, float value) {
    int piece = piece(place);
    pieces.get(piece).put((int) (place - starts[piece]), value);
  }

  /** Fills an array with the floats from a place on. */
  public void get(long from, float[] target) {
    int done = 0;
    for (FloatBuffer buffer : slice(from, target.length).buffers()) {
      int n = buffer.remaining();
      buffer.get(target, done, n);
      done += n;
    }
  }

  /** Changes the floats from a place on to those of an array. */
  public void put(long from, float[] source) {
    int done = 0;
    for (FloatBuffer buffer : slice(from, source.length).buffers()) {
      int n = buffer.remaining();
      buffer.put(source, done, n);
      done += n;
    }
  }

  /** What is done with floats that lie in one buffer. */
  public interface Visitor {
    /**
     * @param from how many floats are before the buffer's first
     */
    void visit(long from, FloatBuffer buffer);
  }

  /** Visits all floats in order, buffer by buffer. */
  public void visit(Visitor visitor) {
    for (int i = 0; i < pieces.size(); i++) {
      visitor.visit(starts[i], pieces.get(i).duplicate());
    }
  }

  /** Changes all floats to those of others, as many, without a copy in between. */
  public void put(Floats source) {
    visit((from, buffer) -> source.slice(from, buffer.remaining()).buffers().forEach(buffer::put));
  }

  private int piece(long place) {
    if (place < 0 || place >= length()) {
      throw new IndexOutOfBoundsException("float " + place + " of " + length());
    }
    int found = Arrays.binarySearch(starts, place);
    return found >= 0 ? found : -found - 2;
  }
}
