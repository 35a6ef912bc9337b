package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that begin with other weights, or come to others, are named. */
class SameWeightsTest {
  /** More than the checksum reads at once, and no multiple of it. */
  private static final long LENGTH = (1 << 18) + 77;

  @TempDir Path directory;

  /** Of one bit in the weights of a rank; false for none. */
  private static void compare(int ranks, int other, long place) {
    Gang.run(
        ranks,
        collective -> {
          try (Segment first = segment("embedding");
              Segment second = segment("layer 0")) {
            SameWeights same = new SameWeights(List.of(first, second), collective);
            same.requireAtStart();
            if (collective.rank() == other) {
              second.fillValues(values -> values.put(place, Math.nextUp(values.get(place))));
            }
            same.requireAfter(7);
          }
        });
  }

  private static Segment segment(String name) {
    Segment segment =
        Segment.allocate(
            name, List.of("w"), List.of(new long[] {LENGTH}), Gradients.NONE, Device.ofThread());
    segment.fillValues(
        values -> {
          for (long i = 0; i < LENGTH; i++) {
            values.put(i, i % 1000 / 7f);
          }
        });
    return segment;
  }

  @Test
  void equalBitsPass() {
    for (int ranks : new int[] {1, 2, 3, 5}) {
      compare(ranks, -1, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, (1 << 18) - 1, 1 << 18, LENGTH - 1})
  void oneBitOfOneRankIsFoundAndNamed(long place) {
    assertThatThrownBy(() -> compare(3, 2, place))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NUMERICS))
        .hasMessageContaining(
            "Rank 2 holds other weights than rank 0 after step 7, in \"layer 0\"");
  }

  @Test
  void aRunWhoseRanksReadOtherWeightsEndsBeforeItsFirstStep() throws IOException {
    LoopSettings settings =
        Plain.loop(Optimizers.scheduled(1e-3, Schedule.LINEAR, 1), OptionalInt.of(2), 8192, 2);
    TestRun run = TestRun.sft(directory, "traj/sft", 4, settings);
    for (int segment : new int[] {0, 1}) {
      String states = "states-" + segment;
      assertThatThrownBy(
              () -> run.withAnotherRank(new Sft(), segment).train(2, states, Long.MAX_VALUE))
          .isInstanceOfSatisfying(
              PlumblineException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
          .hasMessageContaining("holds other weights than rank 0 before the first step, in")
          .hasMessageContaining(segment == 0 ? "\"embedding\"" : "\"layer 0\"");
    }
    List<Map<String, Double>> lines = run.train(2, "same", Long.MAX_VALUE);
    assertThat(lines).hasSize(4);
  }
}
