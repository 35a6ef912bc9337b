package io.plumbline.spark.training;

import static io.plumbline.spark.training.JobRuns.golden;
import static io.plumbline.spark.training.JobRuns.lines;
import static io.plumbline.spark.training.JobRuns.record;
import static io.plumbline.spark.training.JobRuns.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.train.LoopSettings.BadSteps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole jobs with a row whose gradient is NaN: its prompt has a token that no other row has, and
 * whose embedding is spoilt: finite, as any other weight is refused, but twice of it is not.
 */
class BadStepJobTest {
  private static final int BAD_LINE = 21;
  private static final String RARE = "\u00fe";
  private static final int WIDTH = 64;
  private static final float SPOILT = 3e38f;

  @TempDir static Path shared;
  private static SparkSession spark;
  private static Path model;
  private static Path data;

  @TempDir Path directory;
  private List<String> notes;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.withSlots(2);
    model = JobRuns.llama(shared);
    int token;
    try (Tokenizer tokenizer =
        Tokenizer.of(ModelDirectory.open(Storage.local(), model.toString()).tokenizerFiles())) {
      int[] ids = tokenizer.encode(RARE);
      token = ids[ids.length - 1];
    }
    spoil(model.resolve("model.safetensors"), token);

    List<String> rows = new ArrayList<>(Files.readAllLines(golden("prompt_completion.jsonl")));
    rows.set(BAD_LINE - 1, "{\"prompt\": \"What is " + RARE + "?\", \"completion\": \" A rune.\"}");
    // A refused row, so that a row's index is not its line.
    rows.add(4, "{\"prompt\": \"no completion\"}");
    data = Files.write(shared.resolve("rows.jsonl"), rows);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  @BeforeEach
  void forget() {
    notes = new ArrayList<>();
  }

  private static void spoil(Path weights, int token) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(weights)).order(ByteOrder.LITTLE_ENDIAN);
    int header = (int) file.getLong(0);
    JsonNode tensors = new ObjectMapper().readTree(Arrays.copyOfRange(file.array(), 8, 8 + header));
    int embedding = 8 + header + tensors.at("/model.embed_tokens.weight/data_offsets/0").asInt();
    for (int i = 0; i < WIDTH; i++) {
      file.putFloat(embedding + Float.BYTES * (token * WIDTH + i), SPOILT);
    }
    Files.write(weights, file.array());
  }

  private TestRequest sft(String output) {
    return TestRequest.dpo(model, data, directory.resolve(output), 6, 2)
        .algorithm(SftAlgorithm.SFT)
        .maxBadRows(1);
  }

  private TrainingOutcome run(TestRequest request) {
    return TrainingJob.run(
        spark,
        request.build(),
        Map.of(),
        new Quiet() {
          @Override
          public void note(String line) {
            notes.add(line);
          }
        });
  }

  private void assertStopsAt(TestRequest request, String... parts) {
    assertThatThrownBy(() -> run(request))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NUMERICS))
        .hasMessageContainingAll(parts);
  }

  private static String badPlace() {
    return "rows.jsonl:" + (BAD_LINE + 1);
  }

  @Test
  void aRunStopsBeforeTheWeightsChangeAndGoesOnWithoutTheStep() throws IOException {
    TestRequest request = sft("run");
    assertStopsAt(
        request,
        "The loss or the gradient of step 3 is not finite, and no weight was changed: row 20 does"
            + " so alone",
        "--on-bad-step skip and --resume. In the data stands row 20 at ",
        badPlace() + ".");
    Path output = directory.resolve("run");
    assertThat(Files.readString(output.resolve("run.json"))).contains("\"failed\"", badPlace());
    assertThat(output.resolve("checkpoint")).doesNotExist();

    TrainingOutcome outcome = run(request.badSteps(BadSteps.SKIP).start(Start.RESUME));

    assertThat(notes).anySatisfy(note -> assertThat(note).contains("The step was left out"));
    assertThat(notes).anySatisfy(note -> assertThat(note).endsWith(badPlace() + "."));
    assertThat(Files.readString(Path.of(outcome.files().report())))
        .contains("1 of 6 steps changed no weight", badPlace());
    assertThat(record(outcome).path("status").asText()).isEqualTo("completed");
    List<Map<String, Double>> steps = lines(outcome);
    assertThat(steps).hasSize(6);
    for (int step = 0; step < 6; step++) {
      assertThat(Double.isFinite(steps.get(step).get("grad_norm"))).isEqualTo(step != 2);
    }
    // The spoilt embedding itself, and nothing that was learned.
    weights(output)
        .forEach(
            (name, values) ->
                assertThat(values.stream().filter(value -> Math.abs(value) > SPOILT / 2).count())
                    .as(name)
                    .isEqualTo(name.equals("model.embed_tokens.weight") ? WIDTH : 0));
  }

  @Test
  void rowsAreNamedByTheirPlaceInTheDataWhereSomeAreHeldOut() {
    assertStopsAt(sft("split").evalSplit(EvalSplit.ofShare(0.3)), badPlace() + ".");
  }

  @Test
  void rowsOfAPackedRowAreAllNamed() {
    assertStopsAt(sft("packed").packed().maxLength(64), "does so alone", badPlace());
  }

  @Test
  void pairsAreNamedToo() throws IOException {
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      pairs.add(
          "{\"prompt\": \"Say %d%s:\", \"chosen\": \" %d\", \"rejected\": \" no %d\"}"
              .formatted(i, i == 9 ? RARE : "", i, i));
    }
    Path ofPairs = Files.write(directory.resolve("pairs.jsonl"), pairs);

    assertStopsAt(
        sft("reward").algorithm(RewardAlgorithm.REWARD).data(List.of(ofPairs.toString())),
        "pairs.jsonl:10.");
  }
}
