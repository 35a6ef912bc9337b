package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.objective.rollout.GrpoLossTypes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code grpo} run as a user runs it, on a fresh model. */
class GrpoCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static String model;
  private static String prompts;

  @BeforeAll
  static void makeModelAndData() throws Exception {
    model = CommandRuns.freshModel(directory.resolve("model"), "--max-positions", "128");
    prompts = directory.resolve("prompts.jsonl").toString();
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 24; i++) {
      rows.append(
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"%d + 1\"}], \"answer\": \"%d\"}\n"
              .formatted(i, i + 1));
    }
    Files.writeString(Path.of(prompts), rows);
  }

  private static Call grpo(String output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "grpo",
                "--model",
                model,
                "--data",
                prompts,
                "--output",
                directory.resolve(output).toString(),
                "--global-batch-size",
                "4",
                "--num-generations",
                "4",
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
  void samplesScoresLearnsAndLeavesALedger() throws Exception {
    Call call =
        grpo(
            "run",
            "--reward",
            "answer",
            "--reward",
            "regex{\"name\":\"digits\",\"pattern\":\"[0-9]\",\"weight\":0.5}",
            "--cost",
            "length{\"per_token\":1}<=6",
            "--beta",
            "0.02",
            "--kl-target",
            "0.5",
            "--num-iterations",
            "2",
            "--eval-split",
            "4",
            "--max-steps",
            "6",
            "--ranks",
            "2");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out()).contains("6 steps done", "reward", "ledger");
    List<JsonNode> lines = metrics("run");
    assertThat(lines).hasSize(8);
    assertThat(lines.get(0).has("eval_reward")).isTrue();
    assertThat(lines.get(7).has("eval_rewards/answer/mean")).isTrue();
    for (String name :
        List.of(
            "reward",
            "reward_std",
            "rewards/answer/mean",
            "rewards/digits/std",
            "frac_reward_zero_std",
            "completions/mean_length",
            "completions/clipped_ratio",
            "kl",
            "entropy",
            "clip_ratio/region_mean",
            "objective/kl",
            "kl_coef",
            "costs/length/mean",
            "lagrange/length",
            "sampling/importance_sampling_ratio/max")) {
      assertThat(lines.get(1).has(name)).as(name).isTrue();
    }
    // The second update of a phase learns from the same rollouts.
    assertThat(lines.get(2).has("reward")).isFalse();

    JsonNode ledger =
        JSON.readTree(
            Call.plumbline("inspect", directory.resolve("run/ledger").toString(), "--json").out());
    assertThat(ledger.path("rollouts").asInt()).isEqualTo(3 * 4 * 4);
    assertThat(ledger.path("phases").asInt()).isEqualTo(3);
    JsonNode record = JSON.readTree(directory.resolve("run/run.json").toFile());
    assertThat(record.at("/configuration/reward")).hasSize(2);
    assertThat(record.at("/configuration/num-iterations").asInt()).isEqualTo(2);
    assertThat(record.at("/counts/steps").asInt()).isEqualTo(6);
    assertThat(Files.readString(directory.resolve("run/report.html")))
        .contains("completions/mean_length", "eval_reward");

    Call generate =
        Call.plumbline(
            "generate",
            "--model",
            directory.resolve("run/checkpoint").toString(),
            "--prompt",
            "1 + 1",
            "--max-new-tokens",
            "4",
            "--json");
    assertThat(generate.status()).as(generate.err()).isZero();
  }

  @Test
  void anotherNumberOfRanksWritesTheSameRollouts() throws Exception {
    List<List<String>> completions = new ArrayList<>();
    for (int ranks : new int[] {1, 2}) {
      String output = "ranks" + ranks;
      Call call =
          grpo(
              output,
              "--reward",
              "length{\"per_token\":-0.1}",
              "--max-steps",
              "3",
              "--ranks",
              Integer.toString(ranks));
      assertThat(call.status()).as(call.err()).isZero();
      JsonNode best =
          JSON.readTree(
                  Call.plumbline(
                          "inspect", directory.resolve(output + "/ledger").toString(), "--json")
                      .out())
              .path("highest_rewards");
      completions.add(
          Stream.of(best.get(0), best.get(1), best.get(2)).map(JsonNode::toString).toList());
    }
    assertThat(completions.get(1)).isEqualTo(completions.get(0));
  }

  @Test
  void everyLossTypeRuns() throws IOException {
    List<String> calls =
        List.of(
            "--loss-type grpo --scale-rewards batch",
            "--loss-type bnpo",
            "--loss-type luspo",
            "--loss-type vespo",
            "--loss-type dr_grpo --scale-rewards none --entropy-coef 0.01",
            "--loss-type grpo --importance-sampling-level sequence --top-entropy-quantile 0.5",
            "--loss-type cispo --epsilon-high 5 --temperature 0.8 --top-p 0.9",
            "--loss-type rloo --beta 0.05 --stop 1 --repetition-penalty 1.2",
            "--loss-type dapo --dynamic-sampling 3 --overlong-cache 4 --mask-truncated-completions",
            "--loss-type sapo --curriculum-pool 2 --steps-per-generation 2");
    assertThat(calls.stream().map(call -> call.split(" ", -1)[1]).distinct())
        .containsExactlyInAnyOrderElementsOf(GrpoLossTypes.names());
    for (String arguments : calls) {
      List<String> more =
          new ArrayList<>(
              List.of("--reward", "length{\"per_token\":-0.1}", "--max-steps", "2", "--overwrite"));
      more.addAll(List.of(arguments.split(" ")));
      Call call = grpo("types", more.toArray(String[]::new));
      assertThat(call.status()).as("%s: %s", arguments, call.err()).isZero();
      List<JsonNode> steps =
          metrics("types").stream().filter(line -> line.has("grad_norm")).toList();
      assertThat(steps).as(arguments).hasSize(2);
      assertThat(steps)
          .as(arguments)
          .allMatch(line -> Double.isFinite(line.get("loss").asDouble(Double.NaN)));
    }
  }

  @Test
  void whatIsWrongIsToldBeforeAnyWork() {
    Call none = grpo("wrong");
    assertThat(none.status()).isEqualTo(2);
    assertThat(none.err()).contains("--reward is missing");

    Call unknown = grpo("wrong", "--reward", "anser");
    assertThat(unknown.status()).isEqualTo(2);
    assertThat(unknown.err()).contains("anser", "answer");

    Call column = grpo("wrong", "--reward", "answer{\"columm\":\"answer\"}");
    assertThat(column.status()).isEqualTo(2);
    assertThat(column.err()).contains("columm", "column");

    Call cispo = grpo("wrong", "--reward", "answer", "--loss-type", "cispo");
    assertThat(cispo.status()).isEqualTo(2);
    assertThat(cispo.err()).contains("--epsilon-high");

    Call cost = grpo("wrong", "--reward", "answer", "--cost", "length");
    assertThat(cost.status()).isEqualTo(2);
    assertThat(cost.err()).contains("--cost", "<=");

    Call positions =
        Call.plumbline(
            "grpo",
            "--model",
            model,
            "--data",
            prompts,
            "--output",
            directory + "/wrong",
            "--reward",
            "answer",
            "--max-completion-length",
            "200");
    assertThat(positions.status()).isEqualTo(2);
    assertThat(positions.err()).contains("--max-completion-length is 200", "128");

    Call pairs =
        Call.plumbline(
            "dpo", "--model", model, "--data", prompts, "--output", directory + "/wrong");
    assertThat(pairs.status()).isEqualTo(2);
    assertThat(pairs.err()).contains("answer, prompt", "grpo");
  }

  @Test
  void tooManyFailuresSayWhatFailed() {
    Call call = grpo("failing", "--reward", "answer{\"column\":\"solution\"}", "--max-steps", "2");

    assertThat(call.status()).isEqualTo(1);
    assertThat(call.err())
        .contains("16 of 16 rollouts", "solution", "the column that it reads")
        .doesNotContain("--max-failed-rewards", "\tat ");
  }
}
