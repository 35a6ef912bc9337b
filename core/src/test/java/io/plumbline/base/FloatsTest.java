package io.plumbline.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FloatsTest {
  /** Every run of every cut is what an array of the same floats has there. */
  @Test
  void isTheArrayThatItsPiecesAre() {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int trial = 0; trial < 50; trial++) {
      int length = random.nextInt(40);
      float[] all = new float[length];
      for (int i = 0; i < length; i++) {
        all[i] = random.nextFloat();
      }
      List<FloatBuffer> buffers = new ArrayList<>();
      for (int at = 0; at < length; ) {
        int n = Math.min(length - at, random.nextInt(9));
        buffers.add(FloatBuffer.wrap(all, at, n));
        at += n;
      }
      Floats floats = Floats.of(buffers);
      assertThat(floats.length()).isEqualTo(length);
      for (int from = 0; from <= length; from++) {
        for (int n = 0; n <= length - from; n++) {
          Floats run = floats.slice(from, n);
          assertThat(run.length()).isEqualTo(n);
          float[] expected = new float[n];
          System.arraycopy(all, from, expected, 0, n);
          float[] found = new float[n];
          run.get(0, found);
          assertThat(found).isEqualTo(expected);
          floats.get(from, found);
          assertThat(found).isEqualTo(expected);
          for (int i = 0; i < n; i++) {
            assertThat(run.get(i)).isEqualTo(expected[i]);
          }
        }
      }
      if (length > 3) {
        floats.slice(1, length - 2).put(1, 7f);
        assertThat(all[2]).isEqualTo(7f);
        floats.put(0, new float[length]);
        assertThat(all).containsOnly(0f);
      }
    }
  }

  @Test
  void refusesPlacesThatItDoesNotHave() {
    Floats floats = Floats.of(List.of(FloatBuffer.allocate(3), FloatBuffer.allocate(2)));
    assertThatThrownBy(() -> floats.get(5)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> floats.put(-1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> floats.slice(4, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> floats.get(3, new float[3]))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  /** Pieces past what an int counts, all in the same memory. */
  @Test
  void countsBeyondInts() {
    FloatBuffer one = FloatBuffer.allocate(1 << 20);
    List<FloatBuffer> buffers = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      buffers.add(one);
    }
    Floats floats = Floats.of(buffers);
    assertThat(floats.length()).isEqualTo(3000L << 20);
    floats.put((2999L << 20) + 5, 3f);
    assertThat(one.get(5)).isEqualTo(3f);
    assertThat(floats.get(5L << 29)).isZero();
    assertThat(floats.slice(2500L << 20, 2 << 20).get((1 << 20) + 5)).isEqualTo(3f);
  }
}
