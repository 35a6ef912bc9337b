package io.plumbline.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class CurriculumTest {
  private static final int PROMPTS = 30;

  /** With the measurements that a seed gives. */
  private static Curriculum measured(long seed) {
    Random random = new Random(seed);
    Curriculum curriculum = new Curriculum(PROMPTS);
    for (int phase = random.nextInt(5); phase > 0; phase--) {
      long[] prompts = random.longs(4, 0, PROMPTS).distinct().toArray();
      // Few values, so that there are ties.
      curriculum.update(
          prompts,
          random.doubles(prompts.length).toArray(),
          random.ints(prompts.length, 0, 4).asDoubleStream().map(std -> std / 4).toArray());
    }
    return curriculum;
  }

  private static long[] pool(long seed, int size) {
    return new Random(seed).longs(size, 0, PROMPTS).toArray();
  }

  @Example
  void unmeasuredPromptsComeFirstThenTheMostDivided() {
    Curriculum curriculum = new Curriculum(6);
    curriculum.update(
        new long[] {0, 1, 2, 3}, new double[] {1, 0.5, 0.25, 0}, new double[] {0, 0.5, 0.4, 0});
    long[] pool = {0, 1, 2, 3, 4, 5};

    assertThat(curriculum.choose(pool, 6)).containsExactly(4, 5, 1, 2, 0, 3);
    assertThat(curriculum.choose(pool, 3)).containsExactly(4, 5, 1);
    assertThat(curriculum.choose(pool, 0)).isEmpty();
    assertThat(curriculum.choose(new long[] {3, 2}, 5)).containsExactly(1, 0);
    assertThat(curriculum.metrics())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "curriculum/frac_measured", 4 / 6.0,
                "curriculum/frac_zero_std", 0.5,
                "curriculum/reward", 0.4375));
  }

  @Example
  void theLastGroupOfAPromptCounts() {
    Curriculum curriculum = new Curriculum(2);
    curriculum.update(new long[] {0, 1}, new double[] {1, 0.5}, new double[] {0.9, 0.5});
    curriculum.update(new long[] {0}, new double[] {1}, new double[] {0});
    curriculum.update(new long[] {1}, new double[] {Double.NaN}, new double[] {Double.NaN});

    assertThat(curriculum.choose(new long[] {0, 1}, 1)).containsExactly(1);
  }

  @Property
  void placesAreDistinctAndNoOtherPlaceIsBetter(
      @ForAll long seed,
      @ForAll @IntRange(max = 40) int size,
      @ForAll @IntRange(max = 40) int wanted) {
    Curriculum curriculum = measured(seed);
    long[] pool = pool(seed + 1, size);

    int[] chosen = curriculum.choose(pool, wanted);

    assertThat(chosen).hasSize(Math.min(size, wanted)).doesNotHaveDuplicates();
    // Any two of the pool are in the same order when they stand alone.
    int[] all = curriculum.choose(pool, size);
    assertThat(chosen).isEqualTo(Arrays.copyOf(all, chosen.length));
    for (int i = 1; i < all.length; i++) {
      int first = Math.min(all[i - 1], all[i]);
      int second = Math.max(all[i - 1], all[i]);
      int[] alone = curriculum.choose(new long[] {pool[first], pool[second]}, 1);
      assertThat(alone[0] == 0 ? first : second).isEqualTo(all[i - 1]);
    }
  }

  @Property
  void promptsOutsideOfThePoolDoNotMatter(@ForAll long seed, @ForAll @IntRange(max = 20) int size) {
    Curriculum curriculum = measured(seed);
    long[] pool = pool(seed + 1, size);
    int[] before = curriculum.choose(pool, size);
    long[] others =
        LongStream.range(0, PROMPTS)
            .filter(prompt -> LongStream.of(pool).noneMatch(inPool -> inPool == prompt))
            .toArray();

    curriculum.update(others, new double[others.length], ones(others.length));

    assertThat(curriculum.choose(pool, size)).isEqualTo(before);
  }

  private static double[] ones(int length) {
    return IntStream.range(0, length).mapToDouble(i -> 1).toArray();
  }

  @Property
  void aRestoredCurriculumPicksTheSame(@ForAll long seed) throws Exception {
    Curriculum curriculum = measured(seed);
    ObjectMapper json = new ObjectMapper();
    String text = json.writeValueAsString(curriculum.state());
    Curriculum restored = measured(seed + 1); // What it held before is forgotten.
    restored.restore((ObjectNode) json.readTree(text));

    long[] pool = pool(seed, 40);
    assertThat(restored.choose(pool, 40)).isEqualTo(curriculum.choose(pool, 40));
    assertThat(restored.metrics()).isEqualTo(curriculum.metrics());
    assertThat(json.writeValueAsString(restored.state())).isEqualTo(text);
  }

  @Example
  void aStateOfOtherPromptsIsRefused() {
    ObjectNode state = new Curriculum(3).state();

    assertThatThrownBy(() -> new Curriculum(4).restore(state))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("its curriculum has 3 prompts, and this run has 4");
    state.put("measured", "AAAA");
    assertThatThrownBy(() -> new Curriculum(3).restore(state)).hasMessageContaining("is cut off");
    state.put("measured", "????");
    assertThatThrownBy(() -> new Curriculum(3).restore(state)).hasMessageContaining("no base64");
    state.remove("measured");
    assertThatThrownBy(() -> new Curriculum(3).restore(state)).hasMessageContaining("missing");
    assertThatThrownBy(() -> new Curriculum(3).choose(new long[] {3}, 1))
        .hasMessage("prompt 3 of 3");
  }
}
