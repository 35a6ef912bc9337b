package io.plumbline.model;

import io.plumbline.model.Generation.Finish;
import java.util.Arrays;

/** A completion while it is being written. */
final class Draft {
  private static final int FIRST_LENGTH = 64;

  final int[] prompt;

  /** Of the prompt, and with {@link #place} what the draws depend on. */
  final long key;

  /** Which of the prompt's completions it is. */
  final int place;

  /** Where in the cache its prompt starts. */
  int start;

  Finish finish;

  private int[] tokens = new int[FIRST_LENGTH];
  private float[] logps = new float[FIRST_LENGTH];
  private int length;

  Draft(int[] prompt, long key, int place) {
    this.prompt = prompt;
    this.key = key;
    this.place = place;
  }

  int length() {
    return length;
  }

  boolean open() {
    return finish == null;
  }

  int newestToken() {
    return tokens[length - 1];
  }

  void add(int token, float logp) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
      logps = Arrays.copyOf(logps, 2 * length);
    }
    tokens[length] = token;
    logps[length] = logp;
    length++;
  }

  /** The newest tokens, so many at most. */
  int[] newestTokens(int most) {
    return Arrays.copyOfRange(tokens, Math.max(0, length - most), length);
  }

  /** Writes the ids of prompt and completion and fills up with one of them. */
  void writeSeen(long[] target, int from, int to) {
    int at = from;
    for (int id : prompt) {
      target[at++] = id;
    }
    for (int i = 0; i < length; i++) {
      target[at++] = tokens[i];
    }
    Arrays.fill(target, at, to, prompt[0]);
  }

  Generation generation() {
    return new Generation(Arrays.copyOf(tokens, length), Arrays.copyOf(logps, length), finish);
  }
}
