package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ppo} run as a user runs it, on a fresh model and a reward model of it. */
class PpoCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static String model;
  private static String rewardModel;
  private static String prompts;
  private static String texts;

  @BeforeAll
  static void makeModelsAndData() throws Exception {
    model = fresh("model", "260");
    StringBuilder rows = new StringBuilder();
    StringBuilder pairs = new StringBuilder();
    StringBuilder written = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      String prompt = "[{\"role\": \"user\", \"content\": \"" + i + " + 1\"}]";
      rows.append("{\"prompt\": %s, \"answer\": \"%d\"}%n".formatted(prompt, i + 1));
      pairs.append(
          "{\"prompt\": \"%d + 1 = \", \"chosen\": \"%d\", \"rejected\": \"no idea\"}%n"
              .formatted(i, i + 1));
      written.append("{\"text\": \"%d and 1 make %d.\"}%n".formatted(i, i + 1));
    }
    prompts = Files.writeString(directory.resolve("prompts.jsonl"), rows).toString();
    texts = Files.writeString(directory.resolve("texts.jsonl"), written).toString();
    Path preferences = Files.writeString(directory.resolve("pairs.jsonl"), pairs);
    Path reward = directory.resolve("reward");
    Call trained =
        Call.plumbline(
            "reward",
            "--model",
            model,
            "--data",
            preferences.toString(),
            "--output",
            reward.toString(),
            "--max-steps",
            "4",
            "--learning-rate",
            "1e-3");
    assertThat(trained.status()).as(trained.err()).isZero();
    rewardModel = reward.resolve("checkpoint").toString();
  }

  private static String fresh(String name, String vocabulary) {
    List<String> more =
        new ArrayList<>(List.of("--max-positions", "128", "--vocab-size", vocabulary));
    if (!vocabulary.equals("260")) {
      more.addAll(List.of("--data", prompts));
    }
    return CommandRuns.freshModel(directory.resolve(name), more.toArray(String[]::new));
  }

  private static Call ppo(String output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "ppo",
                "--model",
                model,
                "--data",
                prompts,
                "--output",
                directory.resolve(output).toString(),
                "--global-batch-size",
                "4",
                "--num-iterations",
                "2",
                "--max-completion-length",
                "8",
                "--learning-rate",
                "1e-3"));
    args.addAll(List.of(more));
    return Call.plumbline(args.toArray(String[]::new));
  }

  private static List<JsonNode> metrics(String output) throws IOException {
    return CommandRuns.metrics(directory.resolve(output));
  }

  @Test
  void learnsFromARewardModelWithACriticThatStartsAsIt() throws Exception {
    Call call =
        ppo(
            "run",
            "--reward-model",
            rewardModel,
            "--reward",
            "regex{\"name\":\"digits\",\"pattern\":\"[0-9]\",\"weight\":0.5}",
            "--cost",
            "length{\"per_token\":1}<=6",
            "--kl-target",
            "0.5",
            "--missing-eos-penalty",
            "0.5",
            "--ptx-data",
            texts,
            "--ptx-coef",
            "0.5",
            "--eval-split",
            "4",
            "--max-steps",
            "4",
            "--ranks",
            "2");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out()).contains("4 steps done", "reward", "ledger");
    List<JsonNode> lines = metrics("run");
    assertThat(lines.get(0).has("eval_reward")).isTrue();
    for (String name :
        List.of(
            "objective/kl",
            "objective/entropy",
            "objective/non_score_reward",
            "objective/rlhf_reward",
            "objective/scores",
            "policy/approxkl_avg",
            "policy/clipfrac_avg",
            "policy/entropy_avg",
            "loss/policy_avg",
            "loss/value_avg",
            "loss/ptx_avg",
            "val/clipfrac_avg",
            "val/ratio",
            "val/ratio_var",
            "val/num_eos_tokens",
            "episode",
            "rewards/model/mean",
            "costs/length/mean")) {
      assertThat(lines.get(1).has(name)).as(name).isTrue();
    }
    JsonNode record = JSON.readTree(directory.resolve("run/run.json").toFile());
    assertThat(record.at("/configuration/critic-model").asText()).isEqualTo(rewardModel);
    assertThat(record.at("/fingerprints/critic").asText()).isNotEmpty();
    assertThat(record.at("/counts/ptx.accepted").asInt()).isEqualTo(24);
    assertThat(Files.readString(directory.resolve("run/report.html")))
        .contains("loss/value_avg", "objective/rlhf_reward");
    Call score =
        Call.plumbline(
            "score",
            "--model",
            directory.resolve("run/critic").toString(),
            "--data",
            directory.resolve("pairs.jsonl").toString(),
            "--json");
    assertThat(score.status()).as(score.err()).isZero();

    Call again = ppo("run", "--reward-model", rewardModel, "--resume", "--max-steps", "8");
    assertThat(again.status()).isEqualTo(2);
    assertThat(again.err()).contains("another").contains("--resume cannot continue with");
  }

  @Test
  void resumesWithASharedTrunkAndWhatDecidesNoUpdateMayChange() throws Exception {
    String[] options = {
      "--reward", "answer", "--critic-trunk", "shared", "--max-steps", "4", "--max-failed-rewards"
    };
    List<String> first = new ArrayList<>(List.of(options));
    first.add("3");
    Call call = ppo("shared", first.toArray(String[]::new));
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(directory.resolve("shared/critic")).doesNotExist();

    List<String> second = new ArrayList<>(List.of(options));
    second.addAll(List.of("5", "--resume"));
    Call again = ppo("shared", second.toArray(String[]::new));
    assertThat(again.status()).as(again.err()).isZero();
  }

  @Test
  void aRewardModelThatHasChangedIsAnotherRun() throws Exception {
    Path copy = directory.resolve("copy");
    Files.createDirectories(copy);
    try (Stream<Path> files = Files.list(Path.of(rewardModel))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    String[] options = {"--reward-model", copy.toString(), "--max-steps", "2"};
    Call call = ppo("changed", options);
    assertThat(call.status()).as(call.err()).isZero();

    byte[] weights = Files.readAllBytes(copy.resolve("model.safetensors"));
    weights[weights.length - 1] ^= 1;
    Files.write(copy.resolve("model.safetensors"), weights);
    List<String> again = new ArrayList<>(List.of(options));
    again.add("--resume");
    Call resumed = ppo("changed", again.toArray(String[]::new));

    assertThat(resumed.status()).isEqualTo(2);
    assertThat(resumed.err()).contains("--resume cannot continue with");
  }

  @Test
  void aCriticOfAnotherTokenizerIsRefusedBeforeAnyWork() {
    Call call = ppo("refused", "--reward", "answer", "--critic-model", fresh("other", "280"));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("has another tokenizer than").contains("--critic-model");
    assertThat(directory.resolve("refused/run.json")).doesNotExist();
  }

  @Test
  void optionsThatDoNotGoTogetherAreToldTogether() {
    Call call = ppo("none", "--critic-trunk", "shared", "--critic-model", model, "--ptx-coef", "2");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("--reward-model or --reward is missing")
        .contains("--critic-trunk is shared")
        .contains("--ptx-coef does nothing without --ptx-data");
  }
}
