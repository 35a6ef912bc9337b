package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.storage.Storage;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunRecordTest {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  @Test
  void aRecordIsWrittenWhileTheRunGoesOnAndReadAgain(@TempDir Path temp) {
    Storage storage = Storage.local();
    String path = temp.resolve("out/run.json").toString();
    RunRecord running =
        RunRecord.started("dpo", START)
            .withConfiguration(Map.of("beta", 0.1, "data", List.of("a.jsonl"), "ranks", 2))
            .withSeed(42)
            .withFingerprint("model", "ab")
            .withVersions(RunRecord.libraryVersions())
            .withVersion("spark", "4.2.0")
            .withDirectory("/home/ada")
            .withEnvironment(Map.of("processor", "Abacus 3"));
    running.write(storage, path);
    assertThat(RunRecord.read(storage, path).status()).isEqualTo("running");
    RunRecord done =
        running
            .withCount("reference.computed", 12)
            .withCount("reference.found", 0)
            .withTiming("train", Duration.ofMillis(1500))
            .withResult("eval/accuracy", 0.75)
            .completed(START.plusSeconds(9));
    done.write(storage, path);
    assertThat(running.status()).isEqualTo("running");
    RunRecord read = RunRecord.read(storage, path);
    assertThat(read.json().toString()).isEqualTo(done.json().toString());
    assertThat(read.command()).isEqualTo("dpo");
    assertThat(read.status()).isEqualTo("completed");
    assertThat(read.count("reference.computed")).contains(12L);
    assertThat(read.count("reference.found")).contains(0L);
    assertThat(read.count("other")).isEmpty();
    assertThat(read.fingerprint("model")).contains("ab");
    assertThat(read.fingerprints()).isEqualTo(Map.of("model", "ab"));
    assertThat(read.directory()).contains("/home/ada");
    assertThat(read.environment()).isEqualTo(Map.of("processor", "Abacus 3"));
    assertThat(read.versions()).containsEntry("spark", "4.2.0");
    assertThat(read.configuration().path("ranks").asInt()).isEqualTo(2);
    assertThat(read.json().path("timings").path("train").asDouble()).isEqualTo(1.5);
    assertThat(read.json().path("ended").asText()).isEqualTo("2026-01-02T03:04:14Z");
    assertThat(read.json().path("versions").path("djl").asText()).isEqualTo("0.36.0");
    assertThat(running.failed(START, "no more disk").json().path("error").asText())
        .isEqualTo("no more disk");
  }

  @Test
  void secretsAreMaskedAndNothingElse() {
    RunRecord record =
        RunRecord.started("dpo", START)
            .withConfiguration(
                Map.ofEntries(
                    Map.entry("fs.s3a.secret.key", "hush"),
                    Map.entry("fs.s3a.access.key", "hush"),
                    Map.entry("hfToken", "hush"),
                    Map.entry("DB_PASSWORD", "hush"),
                    Map.entry("apiKey", "hush"),
                    Map.entry("nested", Map.of("credentials", List.of("hush", "hush"))),
                    Map.entry("set", List.of("fs.s3a.secret.key=hush", "--my-token=hush")),
                    Map.entry("tracking", "https://user:hush@host/x"),
                    Map.entry("max_new_tokens", 64),
                    Map.entry("tokenizer", "dir"),
                    Map.entry("pad_token", "<|pad|>"),
                    Map.entry("num_key_value_heads", 2),
                    Map.entry("data", "s3a://bucket/keys.jsonl"),
                    Map.entry("option", "beta=0.1")))
            .failed(START, "could not open https://user:hush@host/x");
    assertThat(record.json().toString()).doesNotContain("hush");
    var configuration = record.configuration();
    assertThat(configuration.path("max_new_tokens").asInt()).isEqualTo(64);
    assertThat(configuration.path("tokenizer").asText()).isEqualTo("dir");
    assertThat(configuration.path("pad_token").asText()).isEqualTo("<|pad|>");
    assertThat(configuration.path("num_key_value_heads").asInt()).isEqualTo(2);
    assertThat(configuration.path("data").asText()).isEqualTo("s3a://bucket/keys.jsonl");
    assertThat(configuration.path("option").asText()).isEqualTo("beta=0.1");
    assertThat(configuration.path("tracking").asText()).isEqualTo("https://user:***@host/x");
  }

  @Test
  void secretsInsideOfRewardsAndUrlsAreMasked() {
    String kept =
        "http{\"url\":\"https://judge/score\",\"token_env\":\"JUDGE_TOKEN\",\"batch_size\":4}";
    List<String> rewards =
        List.of(
            "http{\"url\":\"https://judge/score?model=a&api_key=hush\"}",
            "com.acme.Judge{\"api_key\":\"hush\",\"nested\":{\"password\":\"hush\"},\"top\":3}",
            "json{\"key\":\"answer\"}",
            kept,
            "regex{3}");
    var configuration =
        RunRecord.started("grpo", START)
            .withConfiguration(
                Map.of("reward", rewards, "data", "https://store/rows.jsonl?sv=1&sig=hush"))
            .configuration();

    assertThat(configuration.toString()).doesNotContain("hush");
    var masked = configuration.path("reward");
    assertThat(masked.get(0).asText())
        .isEqualTo("http{\"url\":\"https://judge/score?model=a&api_key=***\"}");
    assertThat(masked.get(1).asText())
        .isEqualTo(
            "com.acme.Judge{\"api_key\":\"***\",\"nested\":{\"password\":\"***\"},\"top\":3}");
    assertThat(masked.get(2).asText()).isEqualTo(rewards.get(2));
    assertThat(masked.get(3).asText()).isEqualTo(kept);
    assertThat(masked.get(4).asText()).isEqualTo("regex{3}");
    assertThat(configuration.path("data").asText())
        .isEqualTo("https://store/rows.jsonl?sv=1&sig=***");
  }
}
