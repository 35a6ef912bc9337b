package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.cli.Launched.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's first command, by each of its ways; apart from {@link LauncherIT} for its length.
 */
@Tag("slow")
class QuickstartIT {
  @TempDir Path directory;

  private Ended run(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    return new Launched(directory).run(environment, command);
  }

  @Test
  void quickstartGivesAModelThatPrefersTheBetterAnswersOnHeldOutPairs() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended = run(Map.of(), Launched.launcher(), "quickstart", "--output", output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    assertThat(ended.out())
        .contains("Held-out pairs, before and after DPO")
        .contains("report.html");
    JsonNode last = null;
    for (String line : Files.readAllLines(output.resolve("dpo/metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      last = metrics.has("eval_loss") ? metrics : last;
    }
    assertThat(last).isNotNull();
    assertThat(last.get("eval_rewards/accuracies").asDouble()).isGreaterThan(0.85);
    assertThat(last.get("eval_rewards/margins").asDouble()).isGreaterThan(0.5);
    assertThat(output.resolve("dpo/report.html")).content().contains("Gladly");
    assertThat(output.resolve("dpo/checkpoint/model.safetensors")).exists();
  }

  @Test
  void quickstartByGrpoGivesAModelThatAnswersHeldOutSums() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended =
        run(
            Map.of(),
            Launched.launcher(),
            "quickstart",
            "--algorithm",
            "grpo",
            "--output",
            output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    assertThat(ended.out())
        .contains("Held-out prompts, before and after GRPO")
        .contains("ledger      " + output.resolve("grpo/ledger"));
    List<Double> rewards = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("grpo/metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      if (metrics.has("eval_reward")) {
        rewards.add(metrics.get("eval_reward").asDouble());
      }
    }
    assertThat(rewards).hasSizeGreaterThan(1);
    assertThat(rewards.get(0)).isBetween(0.1, 0.35);
    assertThat(rewards.get(rewards.size() - 1)).isGreaterThan(0.85);
    assertThat(output.resolve("grpo/ledger/step-00000001.parquet")).exists();
    assertThat(output.resolve("grpo/report.html")).exists();
    assertThat(output.resolve("grpo/checkpoint/model.safetensors")).exists();
  }

  @Test
  void quickstartByPpoComparesTheRoutesFromOneModel() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended =
        run(
            Map.of(),
            Launched.launcher(),
            "quickstart",
            "--algorithm",
            "ppo",
            "--output",
            output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    double accuracy = 0;
    for (String line : Files.readAllLines(output.resolve("stages-reward/metrics.jsonl"))) {
      accuracy = new ObjectMapper().readTree(line).path("eval_accuracy").asDouble(accuracy);
    }
    assertThat(accuracy).as("accuracy of the reward model, held out").isGreaterThan(0.9);
    JsonNode compared =
        new ObjectMapper()
            .readTree(output.resolve("stages-compare/evaluation.json").toFile())
            .get("policies");
    Map<String, JsonNode> policies = new HashMap<>();
    compared.forEach(policy -> policies.put(policy.get("name").asText(), policy));
    double sft = reward(policies.get("sft"));
    assertThat(sft).isBetween(0.1, 0.4);
    // By the program that checks answers, which PPO has not seen.
    assertThat(reward(policies.get("ppo"))).isGreaterThan(sft + 0.3);
    assertThat(policies.get("ppo").at("/kl/mean").asDouble()).isBetween(0.1, 5.0);
    assertThat(reward(policies.get("dpo"))).isGreaterThan(sft + 0.1);
    assertThat(reward(policies.get("dpo-again"))).isGreaterThan(reward(policies.get("dpo")) + 0.02);
    assertThat(output.resolve("report.html")).content().contains("dpo-again");
    assertThat(output.resolve("stages-ppo/critic/model.safetensors")).exists();
  }

  private static double reward(JsonNode policy) {
    return policy.at("/reward/mean").asDouble();
  }
}
