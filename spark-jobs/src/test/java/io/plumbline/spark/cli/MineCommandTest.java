package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.reward.Completion;
import io.plumbline.reward.Reward;
import io.plumbline.reward.RewardFunction;
import io.plumbline.spark.reference.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code mine} run as a user runs it, on a fresh model. */
class MineCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PROMPTS = 20;

  @TempDir static Path directory;

  private static String model;
  private static String chats;
  private static String texts;

  /** A reward of many values that anyone can compute again. */
  public static final class CodePoints implements RewardFunction {
    static double of(String text) {
      return text.codePoints().limit(4).map(c -> c % 7).sum();
    }

    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream().map(c -> Reward.of(of(c.text()))).toList();
    }
  }

  /** Fails for every second prompt, and says nothing of others. */
  public static final class Moody implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream()
          .map(
              c ->
                  ((Number) c.row().get("n")).intValue() % 2 == 0
                      ? new Reward(OptionalDouble.of(Double.NaN), List.of())
                      : Reward.notApplicable())
          .toList();
    }
  }

  @BeforeAll
  static void makeModelAndData() throws Exception {
    model = CommandRuns.freshModel(directory.resolve("model"), "--max-positions", "128");
    chats = directory.resolve("chats.jsonl").toString();
    texts = directory.resolve("texts.jsonl").toString();
    StringBuilder asChat = new StringBuilder();
    StringBuilder asText = new StringBuilder();
    for (int i = 0; i < PROMPTS; i++) {
      asChat.append(
          "{\"prompt\": [{\"role\": \"user\", \"content\": \"%d + 1\"}], \"n\": %d}\n"
              .formatted(i, i));
      asText.append("{\"prompt\": \"%d + 1 =\", \"n\": %d}\n".formatted(i, i));
    }
    Files.writeString(Path.of(chats), asChat);
    Files.writeString(Path.of(texts), asText);
  }

  private static String at(String name) {
    return directory.resolve(name).toString();
  }

  private static Call mine(String data, String output, String... more) {
    return Call.plumbline(
        Stream.concat(
                Stream.of(
                    "mine",
                    "--model",
                    model,
                    "--data",
                    data,
                    "--output",
                    at(output),
                    "--max-new-tokens",
                    "6"),
                Stream.of(more))
            .toArray(String[]::new));
  }

  private static final String REWARD = CodePoints.class.getName();

  private static JsonNode marker(String output) throws IOException {
    return JSON.readTree(directory.resolve(output + "/mine.json").toFile());
  }

  private static List<Row> rows(String output) {
    return LocalSpark.session().read().parquet(at(output) + "/data").collectAsList();
  }

  /** What generate writes with the same settings, by prompt. */
  private static List<List<String>> generated(String data, int completions, int seed) {
    Call call =
        Call.plumbline(
            ("generate --model %s --data %s --json --max-new-tokens 6 --temperature 1"
                    + " --num-generations %d --seed %d")
                .formatted(model, data, completions, seed)
                .split(" "));
    assertThat(call.status()).as(call.err()).isZero();
    List<String> all = new ArrayList<>();
    for (String line : call.out().lines().toList()) {
      try {
        all.add(JSON.readTree(line).path("completion").asText());
      } catch (IOException e) {
        throw new AssertionError("not JSON: " + line, e);
      }
    }
    return IntStream.range(0, PROMPTS)
        .mapToObj(p -> all.subList(p * completions, (p + 1) * completions))
        .toList();
  }

  private static void acceptsAll(String kind, String output, long rows) {
    Call prepare =
        Call.plumbline(
            "prepare --kind %s --model %s --data %s/data --output %s --max-bad-rows 0"
                .formatted(kind, model, at(output), at(output + "-prepared"))
                .split(" "));
    assertThat(prepare.status()).as(prepare.err()).isZero();
    assertThat(prepare.err())
        .contains("%d rows read, %d accepted, 0 refused".formatted(rows, rows));
  }

  @Test
  void pairsAreTheBestAndTheWorstOfWhatGenerateWrites() throws Exception {
    Call call = mine(chats, "pairs", "--reward", REWARD, "--num-generations", "6", "--seed", "5");
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err()).contains("mine: 20 pairs from 20 of 20 prompts and 120 completions");
    assertThat(call.out()).contains(at("pairs") + "/data (20)", "dpo --model " + model);

    List<List<String>> completions = generated(chats, 6, 5);
    List<Row> rows = rows("pairs");
    assertThat(rows).hasSize(PROMPTS);
    double chosenSum = 0;
    for (int p = 0; p < PROMPTS; p++) {
      Row row = rows.get(p);
      List<String> written = completions.get(p);
      assertThat(row.<Long>getAs("row")).isEqualTo(p);
      assertThat(row.<Long>getAs("n")).isEqualTo(p);
      List<Row> prompt = row.getList(row.fieldIndex("prompt"));
      assertThat(prompt.get(0).<String>getAs("content")).isEqualTo(p + " + 1");
      double best = written.stream().mapToDouble(CodePoints::of).max().orElseThrow();
      double worst = written.stream().mapToDouble(CodePoints::of).min().orElseThrow();
      assertThat(row.<Double>getAs("chosen_reward")).isEqualTo(best);
      assertThat(row.<Double>getAs("rejected_reward")).isEqualTo(worst).isLessThan(best);
      for (String side : List.of("chosen", "rejected")) {
        List<Row> messages = row.getList(row.fieldIndex(side));
        assertThat(messages).hasSize(1);
        assertThat(messages.get(0).<String>getAs("role")).isEqualTo("assistant");
        assertThat(messages.get(0).<String>getAs("content"))
            .isEqualTo(written.get(row.<Integer>getAs(side + "_sample")));
        assertThat(row.<String>getAs(side + "_finish")).isIn("eos", "length");
      }
      chosenSum += best;
    }
    JsonNode summary = marker("pairs");
    assertThat(summary.path("pairs").asInt()).isEqualTo(PROMPTS);
    assertThat(summary.path("completions").asInt()).isEqualTo(6 * PROMPTS);
    assertThat(summary.at("/fingerprints/model").asText()).hasSize(64);
    assertThat(summary.at("/chosen_reward/mean").asDouble())
        .isCloseTo(chosenSum / PROMPTS, within(1e-9));
    assertThat(summary.at("/reward/mean").asDouble())
        .isCloseTo(
            completions.stream()
                .flatMap(List::stream)
                .mapToDouble(CodePoints::of)
                .average()
                .orElseThrow(),
            within(1e-9));
    assertThat(
            summary
                .at("/rewards/MineCommandTest$CodePoints".replace("MineCommandTest$", "") + "/max")
                .asDouble())
        .isEqualTo(summary.at("/reward/max").asDouble());
    int counted = 0;
    for (JsonNode count : summary.at("/histogram/counts")) {
      counted += count.asInt();
    }
    assertThat(counted).isEqualTo(6 * PROMPTS);
    acceptsAll("preference", "pairs", PROMPTS);
    assertThat(Call.plumbline("inspect", at("pairs")).out()).contains("mined data", "best-worst");
  }

  @Test
  void twoRoundsOfMineAndDpoRunOnEachOther() throws Exception {
    Call first = mine(chats, "round-1", "--reward", REWARD, "--num-generations", "4");
    assertThat(first.status()).as(first.err()).isZero();
    Call dpo =
        Call.plumbline(
            "dpo --model %s --data %s/data --output %s --max-steps 2 --ranks 2"
                .formatted(model, at("round-1"), at("dpo-1"))
                .split(" "));
    assertThat(dpo.status()).as(dpo.err()).isZero();
    // The first round's rows hold prompts for the second.
    Call second =
        Call.plumbline(
            "mine",
            "--model",
            at("dpo-1") + "/checkpoint",
            "--data",
            at("round-1") + "/data",
            "--reward",
            REWARD,
            "--num-generations",
            "4",
            "--max-new-tokens",
            "6",
            "--seed",
            "2",
            "--output",
            at("round-2"));
    assertThat(second.status()).as(second.err()).isZero();
    assertThat(second.err()).contains("chosen, ", "give way to those mined");
    assertThat(rows("round-2").get(0).schema().fieldNames())
        .containsExactlyInAnyOrder(rows("round-1").get(0).schema().fieldNames());
    assertThat(rows("round-2").stream().map(row -> row.getAs("chosen").toString()).toList())
        .isNotEqualTo(rows("round-1").stream().map(row -> row.getAs("chosen").toString()).toList());
    acceptsAll("preference", "round-2", marker("round-2").path("pairs").asInt());
  }

  @Test
  void aCompleteOutputIsFoundAndAnotherRequestIsRefused() throws Exception {
    String[] options = {"--reward", REWARD, "--num-generations", "3", "--json"};
    Call first = mine(texts, "again", options);
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.out()).hasLineCount(1);
    assertThat(JSON.readTree(first.out())).isEqualTo(marker("again"));

    Call again = mine(texts, "again", options);
    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.err()).contains("is complete").doesNotContain("starts");
    assertThat(again.out()).isEqualTo(first.out());

    Call other = mine(texts, "again", "--reward", REWARD, "--num-generations", "3", "--seed", "3");
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err())
        .contains("another --seed (", " there, 3 now);", "--overwrite")
        .hasLineCount(1);

    Path file = directory.resolve("again/mine.json");
    String complete = Files.readString(file);
    Files.writeString(file, complete.replace("\"2:", "\""));
    Call older = mine(texts, "again", options);
    assertThat(older.status()).isEqualTo(2);
    assertThat(older.err()).contains("an older version mined", "--overwrite").hasLineCount(1);
    Files.writeString(file, complete);
    Call over =
        mine(
            texts,
            "again",
            "--reward",
            REWARD,
            "--num-generations",
            "3",
            "--seed=3",
            "--overwrite");
    assertThat(over.status()).as(over.err()).isZero();
    assertThat(marker("again").path("seed").asInt()).isEqualTo(3);
    assertThat(rows("again")).hasSize(marker("again").path("pairs").asInt());
  }

  @Test
  void halfAnOutputIsNotCompleteAndWhatIsNotItsOwnStays() throws Exception {
    // Rows are written and then too many rewards turn out to have failed.
    Call half = mine(texts, "half", "--reward", Moody.class.getName());
    assertThat(half.status()).isEqualTo(1);
    assertThat(half.err())
        .contains("80 of 160 completions have no reward", "NaN", "--max-failed-rewards")
        .doesNotContain("\tat ");
    assertThat(directory.resolve("half/data")).isDirectory();
    assertThat(directory.resolve("half/mine.json")).doesNotExist();
    assertThat(Call.plumbline("inspect", at("half")).out()).contains("not complete");

    // With other data it would not be the same run.
    String others = Files.copy(Path.of(texts), directory.resolve("others.jsonl")).toString();
    Call other = mine(others, "half", "--reward", REWARD);
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("a run of mine that was stopped, with other data", "texts");

    Call whole = mine(texts, "half", "--reward", REWARD, "--num-generations", "3");
    assertThat(whole.status()).as(whole.err()).isZero();
    assertThat(rows("half")).hasSize(marker("half").path("pairs").asInt());
    assertThat(directory.resolve("half/.mine-unfinished")).doesNotExist();

    Path foreign = Files.createDirectories(directory.resolve("mine-alone/data"));
    Files.writeString(foreign.resolve("pairs.jsonl"), "precious");
    for (String more : List.of("--overwrite", "--json")) {
      Call refused = mine(texts, "mine-alone", "--reward", REWARD, more);
      assertThat(refused.status()).isEqualTo(2);
      assertThat(refused.err()).contains("holds data, which mine did not write");
    }
    assertThat(foreign.resolve("pairs.jsonl")).hasContent("precious");
  }

  @Test
  void rejectionMakesRowsForSft() throws Exception {
    List<List<String>> completions = generated(texts, 8, 6);
    // One that some prompts' best completions reach and others' do not.
    double threshold =
        1
            + completions.stream()
                .mapToDouble(of -> of.stream().mapToDouble(CodePoints::of).max().orElseThrow())
                .min()
                .orElseThrow();
    Call call =
        mine(
            texts,
            "best",
            "--reward",
            REWARD,
            "--strategy",
            "rejection",
            "--threshold",
            Double.toString(threshold),
            "--rows-per-prompt",
            "2",
            "--seed",
            "6");
    assertThat(call.status()).as(call.err()).isZero();
    List<Row> rows = rows("best");
    List<String> expected = new ArrayList<>();
    for (int p = 0; p < PROMPTS; p++) {
      Set<String> seen = new HashSet<>();
      int place = p;
      completions.get(p).stream()
          .filter(text -> !text.isEmpty() && seen.add(text) && CodePoints.of(text) >= threshold)
          .sorted((a, b) -> Double.compare(CodePoints.of(b), CodePoints.of(a)))
          .limit(2)
          .forEach(text -> expected.add(place + ":" + text));
    }
    assertThat(rows.stream().map(r -> r.<Long>getAs("row") + ":" + r.<String>getAs("completion")))
        .containsExactlyElementsOf(expected);
    assertThat(rows)
        .allSatisfy(
            row ->
                assertThat(row.<Double>getAs("reward"))
                    .isEqualTo(CodePoints.of(row.getAs("completion")))
                    .isGreaterThanOrEqualTo(threshold));
    JsonNode summary = marker("best");
    assertThat(summary.at("/skipped/below_threshold").asInt())
        .isEqualTo(PROMPTS - summary.path("prompts_used").asInt())
        .isPositive();
    acceptsAll("supervised", "best", rows.size());

    Call sampled =
        mine(texts, "sampled", "--reward", REWARD, "--strategy", "rejection", "--beta", "2");
    assertThat(sampled.status()).as(sampled.err()).isZero();
    assertThat(sampled.out()).contains("sft --model");
    assertThat(rows("sampled")).hasSize(PROMPTS);
    acceptsAll("supervised", "sampled", PROMPTS);
  }

  @Test
  void hardNegativesLieCloserThanTheBestAndTheWorst() throws Exception {
    Call call =
        mine(
            texts,
            "hard",
            "--reward",
            REWARD,
            "--strategy",
            "hard-negatives",
            "--margin",
            "2",
            "--pairs-per-prompt",
            "2");
    assertThat(call.status()).as(call.err()).isZero();
    List<List<String>> completions = generated(texts, 8, 42);
    Set<Long> firsts = new HashSet<>();
    for (Row row : rows("hard")) {
      double chosen = row.<Double>getAs("chosen_reward");
      double rejected = row.<Double>getAs("rejected_reward");
      long place = row.<Long>getAs("row");
      List<String> written = completions.get((int) place);
      assertThat(chosen).isEqualTo(CodePoints.of(row.getAs("chosen")));
      assertThat(rejected).isEqualTo(CodePoints.of(row.getAs("rejected")));
      assertThat(chosen - rejected).isGreaterThanOrEqualTo(2);
      if (firsts.add(place)) {
        double least =
            written.stream()
                .flatMapToDouble(
                    a ->
                        written.stream()
                            .mapToDouble(b -> CodePoints.of(a) - CodePoints.of(b))
                            .filter(gap -> gap >= 2))
                .min()
                .orElseThrow();
        assertThat(chosen - rejected).isEqualTo(least);
      }
    }
    assertThat(marker("hard").path("pairs").asInt()).isGreaterThan(PROMPTS);
    acceptsAll("preference", "hard", marker("hard").path("pairs").asInt());
  }

  @Test
  void anOpenAssistantTurnBecomesThatOfTheCompletion() throws Exception {
    Path open = directory.resolve("open.jsonl");
    Files.writeString(
        open,
        """
        {"prompt": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well,"}]}
        {"prompt": [{"role": "user", "content": "Ho"}]}
        {"prompt": 7}
        """);
    Call call = mine(open.toString(), "open", "--reward", REWARD, "--max-bad-rows", "1");
    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err()).contains("1 no prompt that can be read");

    Row row = rows("open").get(0);
    List<Row> prompt = row.getList(row.fieldIndex("prompt"));
    List<Row> chosen = row.getList(row.fieldIndex("chosen"));
    assertThat(prompt).hasSize(1);
    assertThat(chosen).hasSize(1);
    assertThat(chosen.get(0).<String>getAs("content")).startsWith("Well,").hasSizeGreaterThan(5);
    acceptsAll("preference", "open", 2);

    Call strict = mine(open.toString(), "strict", "--reward", REWARD, "--max-bad-rows", "0");
    assertThat(strict.status()).isEqualTo(2);
    assertThat(strict.err()).contains("1 of 3 rows are no prompts (row 3: prompt is a");
    Files.writeString(open, "{\"prompt\": \"x\"}\n{\"prompt\": [{\"role\": \"user\"}]}\n");
    assertThat(mine(open.toString(), "mixed", "--reward", REWARD).err())
        .contains("Some prompts are text (1) and some are messages (1)");
  }

  @Test
  void nothingMinedIsToldWithTheReasons() {
    Call equal = mine(texts, "equal", "--reward", "regex{\"pattern\":\"^no such text$\"}");

    assertThat(equal.status()).isEqualTo(2);
    assertThat(equal.err()).contains("Nothing was mined: 20 all rewards equal.", "--temperature");
    assertThat(directory.resolve("equal/mine.json")).doesNotExist();
  }

  @Test
  void rowsThatAreNoPromptsSayTheirCauseAndWhatEndsThem() throws Exception {
    Path asked = Files.writeString(directory.resolve("asked.jsonl"), "{\"question\": \"a\"}\n");
    Path typed = Files.writeString(directory.resolve("typed.jsonl"), "{\"prompt\": 5}\n");
    assertThat(mine(asked.toString(), "asked", "--reward", REWARD).err())
        .contains("1 of 1 rows are no prompts", "prompt", "it has question", "--columns")
        .doesNotContain("max-bad-rows");
    assertThat(mine(typed.toString(), "typed", "--reward", REWARD).err())
        .contains("prompt", "a number", "--columns")
        .doesNotContain("max-bad-rows");
    Call tooLong =
        Call.plumbline(
            "mine --model %s --data %s --reward %s --max-new-tokens 126 --output %s"
                .formatted(model, texts, REWARD, at("long"))
                .split(" "));
    assertThat(tooLong.err())
        .contains("20 of 20 rows are no prompts", "lower --max-new-tokens", "--max-prompt-length")
        .doesNotContain("max-bad-rows");
  }

  @Test
  void whatIsWrongIsToldBeforeAnyWork() {
    Call nothing = Call.plumbline("mine");
    assertThat(nothing.status()).isEqualTo(2);
    assertThat(nothing.err())
        .contains("4 problems", "--model is missing", "--data is missing", "--reward is missing")
        .contains("--output is missing");
    Call misplaced =
        mine(
            texts,
            "wrong",
            "--reward",
            "anser",
            "--strategy",
            "rejection",
            "--margin",
            "1",
            "--temperature",
            "0");
    assertThat(misplaced.err())
        .contains("--margin is for pairs, and --strategy is rejection")
        .contains("--temperature is '0' and must be a number above 0");
    assertThat(mine(texts, "wrong", "--reward", "anser").err()).contains("anser", "answer");
    assertThat(
            mine(texts, "wrong", "--reward", "answer", "--beta", "1", "--num-generations=1").err())
        .contains("--beta is for rejection, and --strategy is best-worst", "takes two completions");
    assertThat(mine(texts, "wrong", "--reward", "answer", "--strategy", "worst").err())
        .contains("must be one of best_worst, hard_negatives, rejection");
    Call positions =
        Call.plumbline(
            "mine --model %s --data %s --reward answer --max-new-tokens 128 --output %s"
                .formatted(model, texts, at("wrong"))
                .split(" "));
    assertThat(positions.status()).isEqualTo(2);
    assertThat(positions.err()).contains("--max-new-tokens is 128");
    Call absent = mine(at("none.jsonl"), "wrong", "--reward", "answer{\"column\":\"n\"}");
    assertThat(absent.status()).isEqualTo(2);
    assertThat(absent.err()).contains("none.jsonl");
  }
}
