package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.ActivationMemory;
import io.plumbline.optim.Optimizers;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopOutcome.Ending;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import io.plumbline.train.LoopSettings.Selection.Better;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The weights of the evaluation that was best, and an end once none is better. */
class BestModelTest {
  private static final int STEPS = 16;

  @TempDir Path directory;

  private List<TokenizedRow> train;
  private List<TokenizedRow> held;

  @BeforeEach
  void readRows() throws IOException {
    List<TokenizedRow> rows = TestRun.supervised("traj/sft");
    // Few rows seen often: the model learns them by heart and gets worse on others.
    train = rows.subList(0, 8);
    held = rows.subList(32, 56).stream().map(row -> row.withIndex(row.index() - 32)).toList();
  }

  private TestRun run(Selection selection, int keep) {
    return TestRun.of(directory, Sft::new, train, STEPS, settings(selection, keep))
        .evaluatedOn(held);
  }

  private static List<Map<String, Double>> evaluations(List<Map<String, Double>> lines) {
    return lines.stream()
        .filter(line -> line.containsKey("eval_loss") && line.get("step") > 0)
        .toList();
  }

  @Test
  void theBestWeightsAreTheResult() {
    TestRun run = run(new Selection("eval_loss", Better.LOWER, 0, 0), 1);
    List<Map<String, Double>> evaluations = evaluations(run.train(2));
    Map<String, Double> best =
        evaluations.stream().min(Comparator.comparing(line -> line.get("eval_loss"))).orElseThrow();
    assertThat(best.get("step")).isBetween(1.0, STEPS - 1.0);
    assertThat(run.outcome().best()).hasValue(best.get("step").longValue());
    assertThat(run.outcome().lastStep()).isEqualTo(STEPS);
    assertThat(run.outcome().ending()).isEqualTo(Ending.COMPLETE);
    Map<String, float[]> chosen = run.weights();

    // Of the states, the newest stays, and the best.
    assertThat(
            TrainingStateStore.of(Storage.local(), directory.resolve("states-2").toString())
                .steps())
        .containsExactly(best.get("step").longValue(), (long) STEPS);

    // At a constant learning rate, a run that ends there has the same weights.
    TestRun shorter =
        TestRun.of(
            directory.resolve("shorter"),
            Sft::new,
            train,
            best.get("step").longValue(),
            settings(Selection.LAST, 1));
    shorter.train(2);
    shorter
        .weights()
        .forEach((name, values) -> assertThat(values).as(name).isEqualTo(chosen.get(name)));
  }

  @Test
  void theRunEndsOnceNothingGetsBetterAndStaysEnded() {
    Selection selection = new Selection("eval_loss", Better.LOWER, 2, 0);
    TestRun run = run(selection, 1);
    List<Map<String, Double>> lines = run.train(1);
    long best = run.outcome().best().getAsLong();
    assertThat(run.outcome().ending()).isEqualTo(Ending.STOPPED_EARLY);
    // Evaluations come every other step, so two that were not better end four steps later.
    assertThat(run.outcome().lastStep()).isEqualTo(best + 4).isLessThan(STEPS);
    assertThat(run.notes()).hasSize(1);
    assertThat(run.notes().get(0)).contains("eval_loss was best at step " + best);
    Map<String, float[]> weights = run.weights();

    assertThat(run.train(1)).isEmpty();
    assertThat(run.outcome().lastStep()).isEqualTo(best + 4);
    run.weights().forEach((name, found) -> assertThat(found).as(name).isEqualTo(weights.get(name)));

    // Stopped in the middle and gone on with, it ends at the same place with the same bits.
    run.train(1, "stopped", lines.size() - 2);
    run.train(1, "stopped", Long.MAX_VALUE);
    assertThat(run.outcome().best()).hasValue(best);
    assertThat(run.outcome().lastStep()).isEqualTo(best + 4);
    run.weights().forEach((name, found) -> assertThat(found).as(name).isEqualTo(weights.get(name)));
  }

  @Test
  void aMetricThatEvaluationDoesNotGiveIsRefusedAtOnce() {
    TestRun run = run(new Selection("eval_rewards/margins", Better.HIGHER, 0, 0), 1);
    assertThatThrownBy(() -> run.train(1))
        .hasMessageContaining("eval_rewards/margins")
        .hasMessageContaining("take one of eval_loss, eval_entropy, eval_mean_token_accuracy");
  }

  private static LoopSettings settings(Selection selection, int keep) {
    return new LoopSettings(
        Optimizers.constant(4e-3),
        LoopSettings.OptionalMicroBatchSize.of(OptionalInt.of(8)),
        8192,
        2,
        4,
        keep,
        BadSteps.STOP,
        selection,
        ActivationMemory.KEEP);
  }
}
