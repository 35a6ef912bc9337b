package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.optim.Optimizers;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** DPO on the real chat model of 135 million parameters and real preference pairs. */
class SmolLmDpoTest {
  private static final int MOST_TOKENS = 120;

  @TempDir Path directory;

  @Test
  void fiveStepsRaiseTheMargin() throws IOException {
    Optional<Path> golden = Fixtures.shared("golden/smollm2.json");
    assumeTrue(golden.isPresent(), "skipped: there is no ../shared/golden/smollm2.json");
    String model = System.getenv("PLUMBLINE_SMOLLM2");
    assumeTrue(
        model != null && Files.exists(Path.of(model, "config.json")),
        "skipped: PLUMBLINE_SMOLLM2 does not name the directory of the built SmolLM2 model");

    List<String> pairs = new ArrayList<>();
    for (JsonNode pair : new ObjectMapper().readTree(golden.get().toFile()).get("pairs")) {
      if (pair.get("chosen_tokens").asInt() + pair.get("rejected_tokens").asInt() < MOST_TOKENS) {
        pairs.add(pair.toString());
      }
    }
    assertThat(pairs).hasSizeGreaterThanOrEqualTo(4);
    Path data = Files.write(directory.resolve("pairs.jsonl"), pairs);
    try (SparkSession spark = LocalSpark.session()) {
      TrainingOutcome outcome =
          TrainingJob.run(
              spark,
              TestRequest.dpo(Path.of(model), data, directory.resolve("run"), 5, 1)
                  .evalData(data)
                  .batch(pairs.size())
                  .threads(2)
                  .maxLength(512)
                  .optimizer(Optimizers.constant(1e-5))
                  .build(),
              Map.of(),
              ProgressListener.NONE);
      assertThat(outcome.before().get("eval_rewards/margins")).isCloseTo(0, within(1e-4));
      assertThat(outcome.after().get("eval_rewards/margins")).isGreaterThan(0.1);
      assertThat(outcome.after().get("eval_loss")).isLessThan(outcome.before().get("eval_loss"));
    }
  }
}
