package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters as a user trains and uses them, on a fresh model. */
class LoraCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static String model;
  private static String pairs;
  private static String labelled;
  private static String prompts;

  @BeforeAll
  static void makeModelAndData() throws Exception {
    model = CommandRuns.freshModel(directory.resolve("model"), "--max-positions", "128");
    pairs = Fixtures.golden("traj/preference.jsonl").toString();
    labelled = Fixtures.golden("traj/unpaired.jsonl").toString();
    prompts = directory.resolve("prompts.jsonl").toString();
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 16; i++) {
      rows.append("{\"prompt\": \"%d + 1\", \"answer\": \"%d\"}\n".formatted(i, i + 1));
    }
    Files.writeString(Path.of(prompts), rows);
  }

  private static String output(String name) {
    return directory.resolve(name).toString();
  }

  /** Trains for some steps with an adapter, unless the options say otherwise. */
  private static Call train(String command, String output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                command,
                "--model",
                model,
                "--output",
                output(output),
                "--global-batch-size",
                "8",
                "--learning-rate",
                "1e-2"));
    args.addAll(Arrays.asList(more));
    return Call.plumbline(args.toArray(String[]::new));
  }

  private static List<JsonNode> metrics(String output) throws IOException {
    return CommandRuns.metrics(directory.resolve(output));
  }

  private static Map<String, float[]> adapter(String output) {
    SafetensorsFile file =
        SafetensorsFile.open(
            Storage.local(), output(output) + "/checkpoint/adapter_model.safetensors");
    Map<String, float[]> values = new TreeMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              FloatBuffer buffer = FloatBuffer.allocate((int) tensor.elements());
              file.read(name, buffer);
              values.put(name, buffer.array());
            });
    return values;
  }

  @Test
  void dpoTrainsAnAdapterThatEveryCommandReads() throws Exception {
    Call call =
        train(
            "dpo",
            "dpo",
            "--data",
            pairs,
            "--lora-r",
            "4",
            "--max-steps",
            "8",
            "--ranks",
            "2",
            "--eval-split",
            "8",
            "--save-steps",
            "4");
    assertThat(call.status()).as(call.err()).isZero();
    List<JsonNode> lines = metrics("dpo");
    assertThat(lines.get(1).get("rewards/margins").asDouble()).isZero();
    assertThat(lines.get(lines.size() - 1).get("eval_rewards/margins").asDouble()).isPositive();
    Path checkpoint = directory.resolve("dpo/checkpoint");
    JsonNode config = JSON.readTree(checkpoint.resolve("adapter_config.json").toFile());
    assertThat(config.get("base_model_name_or_path").asText()).isEqualTo(model);
    assertThat(config.get("r").asInt()).isEqualTo(4);
    assertThat(checkpoint.resolve("model.safetensors")).doesNotExist();
    assertThat(adapter("dpo")).hasSize(2 * 7 * 2);
    // A training state holds the adapter and its moments, and no frozen weight.
    long state = 0;
    try (var files = Files.walk(directory.resolve("dpo/checkpoints/step-00000008"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        state += Files.size(file);
      }
    }
    long parameters = adapter("dpo").values().stream().mapToLong(values -> values.length).sum();
    assertThat(state).isBetween(12 * parameters, 12 * parameters + 20_000);

    Call scored = Call.plumbline("score", "--model", checkpoint.toString(), "--prompt", "1 + 1");
    assertThat(scored.status()).as(scored.err()).isZero();
    Call merged =
        Call.plumbline("merge", "--adapter", checkpoint.toString(), "--output", output("merged"));
    assertThat(merged.status()).as(merged.err()).isZero();
    Call whole = Call.plumbline("score", "--model", output("merged"), "--prompt", "1 + 1");
    assertThat(whole.out()).isEqualTo(scored.out()).isNotEmpty();
    assertThat(Call.plumbline("score", "--model", model, "--prompt", "1 + 1").out())
        .isNotEqualTo(scored.out());
    Call inspected = Call.plumbline("inspect", checkpoint.toString());
    assertThat(inspected.status()).as(inspected.err()).isZero();
  }

  @Test
  void aRunResumesAndGivesTheSameOnAnyNumberOfRanks() throws Exception {
    String[] options = {
      "--data", pairs, "--lora-r", "2", "--use-dora", "--lora-dropout", "0.1", "--save-steps", "2"
    };
    assertThat(train("sft", "whole", with(options, "--max-steps", "6")).status()).isNotZero();
    String[] rows = {"--columns", "completion=chosen"};
    String[] all = with(with(options, rows), "--no-shuffle");
    Call call = train("sft", "whole", with(all, "--epochs", "1"));
    assertThat(call.status()).as(call.err()).isZero();
    Call two = train("sft", "two", with(all, "--epochs", "1", "--ranks", "2"));
    assertThat(two.status()).as(two.err()).isZero();
    adapter("whole")
        .forEach(
            (name, values) -> {
              float[] other = adapter("two").get(name);
              for (int i = 0; i < values.length; i++) {
                assertThat(other[i]).as(name).isCloseTo(values[i], within(2e-4f));
              }
            });
    // The newest states of the first run are taken away, as if it had been stopped.
    Path states = directory.resolve("whole/checkpoints");
    Storage.local().delete(states.resolve("step-00000008").toString());
    Map<String, float[]> before = adapter("whole");
    Call resumed = train("sft", "whole", with(all, "--epochs", "1", "--resume"));
    assertThat(resumed.status()).as(resumed.err()).isZero();
    adapter("whole").forEach((name, values) -> assertThat(values).isEqualTo(before.get(name)));
    Call other = train("sft", "whole", with(all, "--epochs", "1", "--resume", "--lora-alpha", "8"));
    assertThat(other.err()).contains("--lora-alpha");
  }

  private static String[] with(String[] some, String... more) {
    List<String> all = new ArrayList<>(Arrays.asList(some));
    all.addAll(Arrays.asList(more));
    return all.toArray(String[]::new);
  }

  @Test
  void trainingGoesOnWithAnAdapter() throws Exception {
    Call first = train("dpo", "first", "--data", pairs, "--lora-r", "2", "--max-steps", "2");
    assertThat(first.status()).as(first.err()).isZero();
    String adapter = output("first") + "/checkpoint";
    Call second = train("dpo", "second", "--data", pairs, "--adapter", adapter, "--max-steps", "3");
    assertThat(second.status()).as(second.err()).isZero();
    // The reference is the model with the adapter that training begins with, as in TRL.
    assertThat(metrics("second").get(0).get("rewards/margins").asDouble())
        .isCloseTo(0, within(1e-5));
    assertThat(adapter("second").keySet()).isEqualTo(adapter("first").keySet());
    assertThat(adapter("second")).isNotEqualTo(adapter("first"));
    assertThat(train("dpo", "both", "--data", pairs, "--adapter", adapter, "--lora-r", "2").err())
        .contains("--lora-r begins an adapter and --adapter goes on with one");
    Call onAdapter =
        Call.plumbline(
            "dpo",
            "--model",
            adapter,
            "--data",
            pairs,
            "--lora-r",
            "2",
            "--output",
            output("third"));
    assertThat(onAdapter.err()).contains("--model " + model + " --adapter " + adapter);
    assertThat(directory.resolve("third")).doesNotExist();
    // Without an option of LoRA, all weights of the merged model are trained.
    Call whole =
        Call.plumbline(
            "dpo",
            "--model",
            adapter,
            "--data",
            pairs,
            "--output",
            output("all"),
            "--max-steps",
            "1");
    assertThat(whole.status()).as(whole.err()).isZero();
    assertThat(directory.resolve("all/checkpoint/model.safetensors")).exists();
  }

  @Test
  void dropoutIsAppliedWhereAnOptionSaysSo() throws Exception {
    String[] options = {"--data", pairs, "--lora-r", "2", "--max-steps", "3"};
    Call plain = train("dpo", "no-dropout", options);
    Call dropped = train("dpo", "dropout", with(options, "--lora-dropout", "0.2"));
    assertThat(dropped.status()).as(dropped.err()).isZero();
    assertThat(plain.status()).as(plain.err()).isZero();
    // B is 0 at first, so that nothing is left out of the first loss, but of A's gradient then.
    assertThat(metrics("dropout").get(0).get("loss"))
        .isEqualTo(metrics("no-dropout").get(0).get("loss"));
    assertThat(adapter("dropout")).isNotEqualTo(adapter("no-dropout"));
    assertThat(metrics("dropout").get(2).get("loss"))
        .isNotEqualTo(metrics("no-dropout").get(2).get("loss"));
    String adapter = output("dropout") + "/checkpoint";
    JsonNode config = JSON.readTree(Path.of(adapter, "adapter_config.json").toFile());
    assertThat(config.get("lora_dropout").asDouble()).isEqualTo(0.2);
    String[] further = {"--data", pairs, "--adapter", adapter, "--max-steps", "1"};
    Call without = train("dpo", "further", further);
    assertThat(without.err()).contains("--lora-dropout 0.2");
    assertThat(metrics("further").get(0).get("rewards/margins").asDouble())
        .isCloseTo(0, within(1e-5));
    Call with = train("dpo", "further-dropout", with(further, "--lora-dropout", "0.2"));
    assertThat(with.status()).as(with.err()).isZero();
    assertThat(metrics("further-dropout").get(0).get("rewards/margins").asDouble())
        .isNotCloseTo(0, within(1e-5));
    assertThat(train("dpo", "none", "--data", pairs, "--lora-dropout", "0.1").err())
        .contains("--lora-dropout");
    assertThat(train("dpo", "none", with(options, "--lora-dropout", "1")).err())
        .contains("--lora-dropout");
    assertThat(directory.resolve("none")).doesNotExist();
  }

  /** The ratio compares passes under the same draw, so that it begins at 1. */
  @Test
  void withDropoutAPhaseKeepsItsDraw() throws Exception {
    String adapter = output("grown") + "/checkpoint";
    train("dpo", "grown", "--data", pairs, "--lora-r", "2", "--max-steps", "3");
    Call call =
        train(
            "grpo",
            "grpo-dropout",
            "--data",
            prompts,
            "--reward",
            "answer",
            "--adapter",
            adapter,
            "--lora-dropout",
            "0.3",
            "--num-iterations",
            "2",
            "--num-generations",
            "4",
            "--max-completion-length",
            "6",
            "--max-steps",
            "4");
    assertThat(call.status()).as(call.err()).isZero();
    List<JsonNode> lines = metrics("grpo-dropout");
    for (int step : new int[] {0, 2}) {
      assertThat(lines.get(step).get("importance_ratio/max").asDouble()).isCloseTo(1, within(1e-4));
      assertThat(lines.get(step).get("sampling/importance_sampling_ratio/max").asDouble())
          .isNotCloseTo(1, within(1e-4));
    }
  }

  @ParameterizedTest
  @CsvSource({"own, 2, int8", "shared, 1, f32"})
  void ppoTrainsAdaptersOfPolicyAndCritic(String trunk, int ranks, String held) throws Exception {
    SharedModels.closeIdle();
    long loads = SharedModels.LANGUAGE_MODELS.loads();
    Call call =
        train(
            "ppo",
            "ppo-" + trunk,
            "--data",
            prompts,
            "--reward",
            "answer",
            "--critic-trunk",
            trunk,
            "--lora-r",
            "2",
            "--base-dtype",
            held,
            "--beta",
            "0.05",
            "--max-completion-length",
            "6",
            "--max-steps",
            "4",
            "--ranks",
            "" + ranks);
    assertThat(call.status()).as(call.err()).isZero();
    // The reference is the policy's own weights without the adapter.
    assertThat(SharedModels.LANGUAGE_MODELS.loads() - loads).isEqualTo(1);
    assertThat(metrics("ppo-" + trunk).get(0).get("objective/kl").asDouble())
        .isCloseTo(0, within(1e-5));
    assertThat(directory.resolve("ppo-" + trunk + "/checkpoint/adapter_config.json")).exists();
    if (trunk.equals("own")) {
      assertThat(directory.resolve("ppo-own/critic/adapter_config.json")).exists();
    }
  }

  @ParameterizedTest
  @CsvSource({"reward, int8", "kto, f32", "orpo, f32", "simpo, bf16", "grpo, f32"})
  void everyCommandTrainsAdapters(String command, String held) throws Exception {
    List<String> options =
        new ArrayList<>(List.of("--lora-r", "2", "--base-dtype", held, "--max-steps", "2"));
    if (held.equals("f32")) {
      options.add("--gradient-checkpointing");
    }
    options.addAll(
        command.equals("grpo")
            ? List.of("--data", prompts, "--reward", "answer", "--max-completion-length", "6")
            : List.of("--data", command.equals("kto") ? labelled : pairs));
    Call call = train(command, command, options.toArray(String[]::new));
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(adapter(command).values().stream().anyMatch(LoraCommandTest::isLearned)).isTrue();
    if (command.equals("reward")) {
      Call scored =
          Call.plumbline("score", "--model", output("reward") + "/checkpoint", "--prompt", "1 + 1");
      assertThat(scored.status()).as(scored.err()).isZero();
      assertThat(adapter("reward")).containsKey("base_model.model.score.weight");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bf16", "int8"})
  void frozenWeightsAreHeldInFewerBytes(String held) throws Exception {
    String[] options = {"--data", pairs, "--base-dtype", held, "--save-steps", "2"};
    String[] fresh = with(options, "--lora-r", "2", "--max-steps", "4");
    Call call = train("dpo", held, fresh);
    assertThat(call.status()).as(call.err()).isZero();
    // Reference and policy begin with the same weights, in the stage of references too.
    assertThat(metrics(held).get(0).get("rewards/margins").asDouble()).isZero();
    assertThat(directory.resolve(held + "/checkpoint/model.safetensors")).doesNotExist();
    Map<String, float[]> whole = adapter(held);
    Call two = train("dpo", held + "-two", with(fresh, "--ranks", "2"));
    assertThat(two.status()).as(two.err()).isZero();
    adapter(held + "-two")
        .forEach(
            (name, values) ->
                assertThat(values).as(name).containsExactly(whole.get(name), within(2e-4f)));
    Path states = directory.resolve(held + "/checkpoints");
    Storage.local().delete(states.resolve("step-00000004").toString());
    Call resumed = train("dpo", held, with(fresh, "--resume"));
    assertThat(resumed.status()).as(resumed.err()).isZero();
    adapter(held).forEach((name, values) -> assertThat(values).isEqualTo(whole.get(name)));
    String[] other = {"--data", pairs, "--lora-r", "2", "--max-steps", "4", "--resume"};
    assertThat(train("dpo", held, other).err()).contains("--base-dtype");
    // Goes on with the adapter on the same rounded weights.
    String[] more = with(options, "--adapter", output(held) + "/checkpoint", "--max-steps", "2");
    Call further = train("dpo", held + "-further", more);
    assertThat(further.status()).as(further.err()).isZero();
    assertThat(metrics(held + "-further").get(0).get("rewards/margins").asDouble())
        .isCloseTo(0, within(1e-5));
  }

  private static boolean isLearned(float[] values) {
    for (float value : values) {
      if (value != 0) {
        return true;
      }
    }
    return false;
  }

  @Test
  void overwritingNeverDeletesWhatTheAdapterIsOf() throws Exception {
    Call first = train("dpo", "kept", "--data", pairs, "--lora-r", "2", "--max-steps", "1");
    assertThat(first.status()).as(first.err()).isZero();
    String adapter = output("kept") + "/checkpoint";
    for (String deleted : List.of(model, adapter, output("kept"))) {
      Call call = Call.plumbline("merge", "--adapter", adapter, "--output", deleted, "--overwrite");
      assertThat(call.err()).contains("would be deleted by --overwrite");
    }
    Call call =
        Call.plumbline(
            "dpo", "--model", adapter, "--data", pairs, "--output", model, "--overwrite");
    assertThat(call.err()).contains("would be deleted by --overwrite");
    assertThat(Path.of(model, "model.safetensors")).exists();
    assertThat(Path.of(adapter, "adapter_model.safetensors")).exists();
  }

  @Test
  void whatDoesNothingIsRefused() {
    assertThat(train("dpo", "none", "--data", pairs, "--lora-alpha", "8").err())
        .contains("--lora-alpha does nothing without --lora-r");
    assertThat(train("dpo", "none", "--data", pairs, "--base-dtype", "int8").err())
        .contains("--base-dtype does nothing without --lora-r or --adapter");
    assertThat(
            train(
                    "dpo",
                    "names",
                    "--data",
                    pairs,
                    "--lora-r",
                    "2",
                    "--lora-target-modules",
                    "query")
                .err())
        .contains("\"query\" names a module for adapters")
        .contains("q_proj");
    assertThat(directory.resolve("names")).doesNotExist();
  }
}
