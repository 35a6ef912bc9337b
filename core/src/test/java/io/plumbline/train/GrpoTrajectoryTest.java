package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.TokenModel;
import io.plumbline.objective.GoldenTensors;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.ImportanceSamplingLevel;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Optimizers;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.train.RolloutColumns.Age;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Follows runs of TRL's GRPO trainer step by step, on the completions that it sampled. */
class GrpoTrajectoryTest {
  @TempDir Path directory;

  @ParameterizedTest(name = "{0} on {5} ranks")
  @CsvSource({
    "traj_dapo, dapo, TOKEN, 0.2, 0.2, 1, 5e-4",
    "traj_dapo, dapo, TOKEN, 0.2, 0.2, 3, 5e-4",
    "traj_grpo_kl_iter2, grpo, TOKEN, 0.2, 0.28, 1, 1e-4",
    "traj_grpo_kl_iter2, grpo, TOKEN, 0.2, 0.28, 2, 1e-4",
    "traj_gspo, grpo, SEQUENCE, 0.04, 0.05, 1, 1e-4",
    "traj_gspo, grpo, SEQUENCE, 0.04, 0.05, 4, 1e-4"
  })
  void followsTrl(
      String name,
      String lossType,
      ImportanceSamplingLevel level,
      double epsilon,
      double epsilonHigh,
      int ranks,
      double tolerance) {
    JsonNode log = GoldenTensors.json("grpo/" + name + "/log.json");
    GrpoSettings settings =
        Records.with(
            GrpoSettings.defaults(),
            "beta",
            log.at("/config/beta").asDouble(),
            "epsilon",
            epsilon,
            "epsilonHigh",
            epsilonHigh,
            "importanceSamplingLevel",
            level);
    List<Map<String, Double>> lines = new ArrayList<>();
    Map<String, float[]> weights = new ConcurrentHashMap<>();

    Gang.run(
        ranks,
        collective -> {
          Replay replay = new Replay(name, GrpoLossTypes.of(lossType, settings), collective);
          Map<String, float[]> trained = train(replay, log, collective, lines);
          if (collective.rank() == 0) {
            weights.putAll(trained);
          }
        });

    assertThat(lines).hasSize(log.get("steps").size());
    for (int step = 0; step < lines.size(); step++) {
      JsonNode expected = log.get("steps").get(step);
      Map<String, Double> line = lines.get(step);
      assertThat(line.get("loss"))
          .as("loss of step %d", step + 1)
          .isCloseTo(expected.get("loss_full_precision").asDouble(), within(2e-5));
      double norm = expected.get("grad_norm").asDouble();
      assertThat(line.get("grad_norm"))
          .as("grad_norm of step %d", step + 1)
          .isCloseTo(norm, within(1e-4 * Math.max(1, norm)));
      assertThat(line.get("entropy"))
          .as("entropy of step %d", step + 1)
          .isCloseTo(expected.get("entropy").asDouble(), within(1e-4));
      if (expected.has("kl")) {
        assertThat(line.get("kl"))
            .as("kl of step %d", step + 1)
            .isCloseTo(expected.get("kl").asDouble(), within(1e-4));
      }
    }
    assertThat(weights).isNotEmpty();
    assertCloseTo(weights, "grpo/" + name + "/final.safetensors", tolerance);
  }

  private Map<String, float[]> train(
      Replay replay, JsonNode log, Collective collective, List<Map<String, Double>> lines) {
    try (CausalLm policy =
        CausalLm.load(
            ModelDirectory.open(Storage.local(), Fixtures.golden("models/llama").toString()),
            Purpose.TRAINING,
            ComputeDtype.F32)) {
      Grpo grpo = new Grpo(new Grpo.Settings(4, 12, 1, TrustRegion.everywhere(), 1e-4));
      OptimizerSettings optimizer = Optimizers.constant(log.at("/config/learning_rate").asDouble());
      new TrainingLoop<>(
              new TokenModel(policy, grpo.statistics(), 1),
              grpo,
              replay,
              Optional.<Evaluation>empty(),
              Plain.loop(optimizer, OptionalInt.of(3), 0, 0),
              TrainingStateStore.of(Storage.local(), directory.resolve("states").toString()),
              new Rank(collective, Gang.DEADLINE, Gang.observer(lines)))
          .run();
      return weights(policy);
    }
  }

  private static Map<String, float[]> weights(CausalLm policy) {
    Map<String, float[]> weights = new TreeMap<>();
    for (Segment segment : policy.segments()) {
      for (Segment.Slice slice : segment.slices()) {
        float[] copy = new float[(int) slice.length()];
        segment.values().get(slice.offset(), copy);
        weights.put(slice.name(), copy);
      }
    }
    return weights;
  }

  private static void assertCloseTo(Map<String, float[]> weights, String golden, double tolerance) {
    SafetensorsFile file =
        SafetensorsFile.open(Storage.local(), Fixtures.golden(golden).toString());
    Map<String, Double> worst = new LinkedHashMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              FloatBuffer expected = FloatBuffer.allocate((int) tensor.elements());
              file.read(name, expected);
              double most = 0;
              for (int i = 0; i < expected.capacity(); i++) {
                most = Math.max(most, Math.abs(expected.get(i) - weights.get(name)[i]));
              }
              worst.put(name, most);
            });
    assertThat(worst.values()).as("%s", worst).allMatch(most -> most <= tolerance);
  }

  /** The rows that TRL's trainer fed its model, with its advantages and log-probabilities. */
  private static final class Replay implements StepFeed<RolloutColumns> {
    private final GoldenTensors tensors;
    private final RolloutObjective objective;
    private final Collective collective;

    Replay(String name, RolloutObjective objective, Collective collective) {
      this.tensors = GoldenTensors.open("grpo/" + name + "/batches.safetensors");
      this.objective = objective;
      this.collective = collective;
    }

    @Override
    public long steps() {
      long steps = 0;
      while (tensors.has("step" + steps + "|advantages")) {
        steps++;
      }
      return steps;
    }

    @Override
    public double epochs(long steps) {
      return steps;
    }

    @Override
    public void goTo(long steps, ObjectNode state) {}

    @Override
    public StepBatch<RolloutColumns> batch(long step) {
      String prefix = "step" + step + "|";
      int[][] prompts = tensors.ids(prefix + "prompt_ids");
      byte[][] promptMasks = tensors.mask(prefix + "prompt_mask");
      int[][] completions = tensors.ids(prefix + "completion_ids");
      byte[][] masks = tensors.mask(prefix + "completion_mask");
      float[] advantages = tensors.floats(prefix + "advantages");
      List<TokenizedRow> rows = new ArrayList<>();
      List<LearnedRollout> rollouts = new ArrayList<>();
      int first = collective.rank() * prompts.length / collective.worldSize();
      int end = (collective.rank() + 1) * prompts.length / collective.worldSize();
      for (int i = first; i < end; i++) {
        int length = sum(masks[i]);
        int padding = prompts[i].length - sum(promptMasks[i]);
        rows.add(
            TokenizedRow.of(
                i,
                Arrays.copyOfRange(prompts[i], padding, prompts[i].length),
                List.of(Arrays.copyOf(completions[i], length)),
                List.of()));
        double[] ofTokens = new double[length];
        Arrays.fill(ofTokens, advantages[i]);
        rollouts.add(
            new LearnedRollout(
                List.of(),
                List.of(ofTokens),
                logps(prefix + "old_per_token_logps", i, length),
                logps(prefix + "ref_per_token_logps", i, length),
                List.of(),
                List.of()));
      }
      // The sampler was TRL's, so there is nothing of it to compare with.
      return new StepBatch<>(rows, new RolloutColumns(objective, Age.LEARNED_FROM, rollouts));
    }

    private List<float[]> logps(String name, int i, int length) {
      return tensors.has(name) ? List.of(Arrays.copyOf(tensors.rows(name)[i], length)) : List.of();
    }

    private static int sum(byte[] mask) {
      int sum = 0;
      for (byte mark : mask) {
        sum += mark;
      }
      return sum;
    }

    @Override
    public boolean begins(long step) {
      return false;
    }

    @Override
    public ObjectNode state() {
      return JsonNodeFactory.instance.objectNode();
    }

    @Override
    public void close() {}
  }
}
