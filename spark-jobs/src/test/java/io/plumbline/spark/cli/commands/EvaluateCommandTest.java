package io.plumbline.spark.cli.commands;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.cli.Call;
import io.plumbline.spark.cli.Layers;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.evaluate.EvaluationRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code evaluate} run as a user runs it, on fresh models. */
class EvaluateCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static String model(String name, int seed) {
    String model = directory.resolve(name).toString();
    Call init =
        Call.plumbline(
            ("init-model --output "
                    + model
                    + " --hidden-size 32 --layers 2 --heads 2 --kv-heads 1 --intermediate-size 64"
                    + " --max-positions 128 --seed "
                    + seed)
                .split(" "));
    assertThat(init.status()).as(init.err()).isZero();
    return model;
  }

  @Test
  void comparesTwoModelsAndLeavesAReport() throws Exception {
    String base = model("base", 1);
    String other = model("run/checkpoint", 2);
    StringBuilder pairs = new StringBuilder();
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 6; i++) {
      pairs.append(
          "{\"prompt\": \"Say %d.\", \"chosen\": \" %d.\", \"rejected\": \" No!\"}\n"
              .formatted(i, i));
      prompts.append(
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"%d + 1 </script>\"}]}\n".formatted(i));
    }
    Path data = Files.writeString(directory.resolve("pairs.jsonl"), pairs);
    Path asked = Files.writeString(directory.resolve("prompts.jsonl"), prompts);
    String output = directory.resolve("evaluation").toString();
    String[] args =
        ("evaluate --policy base="
                + base
                + " --policy "
                + other
                + " --reference "
                + base
                + " --data "
                + data
                + " --prompts "
                + asked
                + " --reward regex{\"pattern\":\"[a-m]\"} --tilt --num-completions 6"
                + " --max-new-tokens 4 --num-generations 2 --beta 0.2 --output "
                + output)
            .split(" ");

    Call text = Call.plumbline(args);

    assertThat(text.status()).as(text.err()).isZero();
    assertThat(text.err())
        .contains(
            "score pairs with the reference: starts, 6 pairs", "sample run: starts, 6 prompts");
    assertThat(text.out().lines().toList().get(0))
        .matches(
            "policy +accuracy +margin +calibration error +reward +KL +length +wins against base"
                + " +best at its KL +share reached");
    assertThat(text.out()).contains("optimum at beta 0.2", "best of 6", "report.html");
    JsonNode written = JSON.readTree(Files.readString(Path.of(output, "evaluation.json")));
    assertThat(written.at("/read/data").asText())
        .isEqualTo("6 rows read as pairs (prompt, chosen, rejected)");
    assertThat(written.at("/read/prompts").asText()).isEqualTo("6 rows read as prompts (prompt)");
    assertThat(text.err())
        .contains(
            "--data: " + written.at("/read/data").asText() + "\n",
            "--prompts: " + written.at("/read/prompts").asText() + "\n");
    assertThat(written.path("policies").findValuesAsText("name")).containsExactly("base", "run");
    assertThat(written.path("policies").path(0).path("kl").path("mean").asDouble()).isZero();
    assertThat(written.path("policies").path(1).path("kl").path("mean").asDouble()).isPositive();
    assertThat(written.path("policies").path(1).path("preferences").path("pairs").asInt())
        .isEqualTo(6);
    assertThat(written.path("policies").path(1).path("win_rate").path("against").asText())
        .isEqualTo("base");
    assertThat(written.path("tilt").path("best_of_n")).hasSize(6);
    String report = Files.readString(Path.of(output, "report.html"));
    assertThat(report).contains("<title>base and run</title>", "5 + 1 \\u003c/script\\u003e");

    Call again = Call.plumbline(args);
    assertThat(again.status()).isEqualTo(2);
    assertThat(again.err()).contains("is there already and not empty").hasLineCount(1);

    Call inspect = Call.plumbline("inspect", output, "--json");
    JsonNode found = JSON.readTree(inspect.out());
    assertThat(found.path("holds").asText()).isEqualTo("an evaluation");
    assertThat(found.path("tilt").path("kl").path("mean"))
        .isEqualTo(written.path("tilt").path("kl").path("mean"));
    assertThat(found.has("samples")).isFalse();
    assertThat(Call.plumbline("inspect", output).out()).contains("effective_sample_size");

    // What a killed evaluation may have left does not stand in the way.
    Files.delete(Path.of(output, "evaluation.json"));
    List<String> asJson = new ArrayList<>(List.of(args));
    asJson.add("--json");
    Call json = Call.plumbline(asJson.toArray(String[]::new));
    assertThat(json.out()).as(json.err()).hasLineCount(1);
    assertThat(JSON.readTree(json.out())).isEqualTo(written);
  }

  @Test
  void aCompletionOfWhichAFunctionFailedIsLeftOutAndCounted() throws Exception {
    Path asked =
        Files.writeString(
            directory.resolve("some-answers.jsonl"),
            "{\"prompt\": \"1 + 1\", \"answer\": \"2\"}\n{\"prompt\": \"no answer\"}\n");
    String output = directory.resolve("failed").toString();
    Call call =
        Call.plumbline(
            "evaluate",
            "--policy",
            model("judged", 3),
            "--prompts",
            asked.toString(),
            "--reward",
            "answer{\"reward\":-5,\"penalty\":-5}",
            "--reward",
            "length{\"per_token\":0}",
            "--max-failed-rewards",
            "100%",
            "--max-new-tokens",
            "2",
            "--num-generations",
            "4",
            "--output",
            output);

    assertThat(call.status()).as(call.err()).isZero();
    JsonNode policy =
        JSON.readTree(Path.of(output, "evaluation.json").toFile()).path("policies").path(0);
    assertThat(policy.path("failed_rewards").asInt()).isEqualTo(4);
    // Of the prompt with an answer alone: the length says 0 of the other's completions too.
    assertThat(policy.at("/reward/mean").asDouble()).isEqualTo(-5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --data d --reference r                           | --policy is missing
          --policy p                                       | --data or --prompts is missing
          --policy p --data d                              | --reference is missing: the implicit reward
          --policy p --prompts q                           | measured by --reward, or by their KL
          --policy p --data d --reference r --reward x     | --reward scores completions of --prompts
          --policy p --prompts q --reward answer --tilt    | give all three
          --policy p --prompts q --reward answer --num-completions 8 | is about --tilt
          --policy p --prompts q --reference r --top-k 5   | --top-k 5 bends the draws
          --policy p --prompts q --reference r --temperature 0 | --temperature 0.0 bends the draws
          --policy p --prompts q --reward answer --beta 2  | --beta is about --data and --tilt
          --policy p --data d --reference r --top-k 5      | --top-k is about completions of --prompts
          --policy p --prompts q --reference r --max-failed-rewards 3 | --max-failed-rewards is about --reward
          --policy a/x --policy b/x --prompts q --reward answer | Two policies are named x
          --policy p --prompts q --reward {                | --reward: "{" is no reward
          """)
  void whatDoesNotFitTogetherIsTold(String options, String sentence) {
    Call call = Call.plumbline(("evaluate --output o " + options.strip()).split(" +"));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains(sentence).hasLineCount(1);
  }

  @Test
  void aPolicyThatIsNotThereIsToldBeforeAnyWork() {
    Call call =
        Call.plumbline(
            ("evaluate --policy none --prompts q --reward answer --output "
                    + directory.resolve("nothing"))
                .split(" "));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("There is no model directory none").hasLineCount(1);
  }

  @Test
  void policiesAreCalledByTheirRunsUnlessTheyHaveNames() {
    Problems problems = new Problems();
    EvaluationRequest request =
        EvaluateCommand.request(
            Layers.values(
                new EvaluateCommand(),
                problems,
                ("--policy runs/dpo/checkpoint --policy ppo=s3a://bucket/a=b/checkpoint/"
                        + " --policy s3a://bucket/k=v/sft/checkpoint/ --policy models/base"
                        + " --prompts q --reward answer")
                    .split(" ")),
            problems);

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.policies())
        .extracting(EvaluationRequest.Policy::name)
        .containsExactly("dpo", "ppo", "sft", "base");
    assertThat(request.policies().get(1).model()).isEqualTo("s3a://bucket/a=b/checkpoint/");
    assertThat(request.decoding().temperature()).isEqualTo(1);
  }

  static Stream<String> settingsOfTheRequest() {
    Set<String> elsewhere = Set.of("output", "json", "master");
    return new EvaluateCommand()
        .settings().stream().map(Setting::name).filter(name -> !elsewhere.contains(name));
  }

  @ParameterizedTest
  @MethodSource("settingsOfTheRequest")
  void everySettingChangesTheRequest(String option) {
    List<String> without =
        new ArrayList<>(List.of("--policy p --prompts q --reward answer --data d".split(" ")));
    boolean bends =
        Set.of("temperature", "top-p", "top-k", "min-p", "repetition-penalty").contains(option);
    if (bends) {
      without.removeAll(List.of("--data", "d"));
    } else {
      without.addAll(List.of("--reference", "r"));
    }
    if (option.equals("num-completions")) {
      without.add("--tilt");
    }
    List<String> with = new ArrayList<>(without);
    Map<String, String> values =
        Map.of(
            "policy", "other",
            "reward", "length{\"target\":3}",
            "compute-dtype", "bf16",
            "columns", "prompt=question",
            "chat-template-kwargs", "{\"enable_thinking\": false}",
            "chat-template-date", "2026-05-04",
            "top-p", "0.5",
            "min-p", "0.5");
    if (option.equals("reference")) {
      without.set(without.indexOf("r"), "other");
    } else {
      with.add("--" + option);
      if (!option.equals("tilt")) {
        with.add(values.getOrDefault(option, "3"));
      }
    }
    Problems problems = new Problems();

    assertThat(request(with, problems)).isNotEqualTo(request(without, problems));
    assertThat(problems.sentences()).isEmpty();
  }

  private static EvaluationRequest request(List<String> args, Problems problems) {
    return EvaluateCommand.request(
        Layers.values(new EvaluateCommand(), problems, args.toArray(String[]::new)), problems);
  }
}
