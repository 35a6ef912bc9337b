package io.plumbline.spark.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.base.CountOrShare;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.Kind;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.TokenFilter;
import io.plumbline.reward.FailureLimit;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.Sample;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.Scorer;
import io.plumbline.spark.inference.ScoringRows;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.reference.RecordingListener;
import io.plumbline.statistics.Tilt;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two small models of one vocabulary, evaluated as the command does it. */
class PolicyEvaluationTest {
  private static final TypeReference<Map<String, Object>> OBJECT = new TypeReference<>() {};
  private static final double BETA = 0.05;
  private static final String DIGITS = "regex{\"name\":\"digits\",\"pattern\":\"[0-9]\"}";
  private static final String LONGER = "length{\"per_token\":1,\"weight\":0.1}";

  @TempDir static Path temp;
  private static String llama;
  private static String rope;
  private static String pairs;
  private static String prompts;
  private static EvaluationRequest request;
  private static Evaluation evaluation;

  @BeforeAll
  static void evaluateTheReferenceTwiceAndAnotherModel() throws IOException {
    llama = GoldenLlama.directory(temp);
    Path other = Path.of(GoldenLlama.directory(temp.resolve("other")));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(
          Fixtures.golden("models/llama3_rope").resolve(file),
          other.resolve(file),
          StandardCopyOption.REPLACE_EXISTING);
    }
    rope = other.toString();
    StringBuilder pairRows = new StringBuilder();
    StringBuilder promptRows = new StringBuilder();
    for (int i = 0; i < 13; i++) {
      pairRows.append(
          "{\"prompt\": \"Say %d.\", \"chosen\": \" %d, gladly.\", \"rejected\": \" No.\"}\n"
              .formatted(i, i * i));
      promptRows.append("{\"prompt\": \"What is %d + 7?\", \"answer\": %d}\n".formatted(i, i + 7));
    }
    pairs = Files.writeString(temp.resolve("pairs.jsonl"), pairRows).toString();
    prompts = Files.writeString(temp.resolve("prompts.jsonl"), promptRows).toString();
    request = request(List.of(llama, llama, rope), OptionalInt.of(4));
    evaluation = evaluate(request);
  }

  private static EvaluationRequest request(List<String> models, OptionalInt tilt) {
    List<EvaluationRequest.Policy> policies = new ArrayList<>();
    for (String model : models) {
      policies.add(new EvaluationRequest.Policy("policy" + policies.size(), model));
    }
    return new EvaluationRequest(
        policies,
        Optional.of(llama),
        RowSources.of(List.of(pairs)),
        RowSources.of(List.of(prompts)),
        List.of(DIGITS, LONGER),
        BETA,
        tilt,
        new DecodingSettings(6, 1, TokenFilter.NONE, List.of(), 3, 42),
        new FailureLimit(CountOrShare.ofCount(0), "--max-failed-rewards"),
        new EvaluationRequest.Passes(ComputeDtype.F32, Scorer.TOKENS_PER_BATCH));
  }

  private static Evaluation evaluate(EvaluationRequest request) {
    return PolicyEvaluation.run(
        LocalSpark.session(), Storage.local(), request, 1, new RecordingListener());
  }

  @Test
  void aPolicyThatIsTheReferenceIsAtZero() {
    for (Evaluation.Policy policy : evaluation.policies().subList(0, 2)) {
      Evaluation.Completions completions = policy.completions().orElseThrow();
      assertThat(completions.kl().orElseThrow().k1().mean()).isZero();
      assertThat(completions.kl().orElseThrow().k3().mean()).isZero();
      PairMetrics metrics = policy.preferences().orElseThrow().metrics();
      assertThat(metrics.margin()).isZero();
      assertThat(metrics.accuracy()).isZero();
      assertThat(policy.preferences().orElseThrow().calibrationError()).isZero();
      Evaluation.Frontier frontier = policy.frontier().orElseThrow();
      assertThat(frontier.place().reward())
          .isEqualTo(evaluation.tilt().orElseThrow().referenceReward().mean());
      assertThat(frontier.share()).isEmpty();
    }
    assertThat(evaluation.policies().get(0).winRate()).isEmpty();
    Evaluation.WinRate won = evaluation.policies().get(1).winRate().orElseThrow();
    assertThat(won.against()).isEqualTo("policy0");
    assertThat(won.rate().mean()).isEqualTo(0.5);
    assertThat(won.rate().error()).isZero();
    assertThat(evaluation.samples()).hasSize(8);
    List<Evaluation.Written> sides = evaluation.samples().get(0).completions();
    assertThat(sides.get(0).text()).isEqualTo(sides.get(1).text()).isNotEmpty();
  }

  @Test
  void theResultIsTheSameForAnyNumberOfPartitions() {
    SparkConf conf = LocalSpark.session().sparkContext().conf();
    conf.set("spark.default.parallelism", "1");
    Evaluation few;
    try {
      assertThat(LocalSpark.context().defaultParallelism()).isEqualTo(1);
      few = evaluate(request);
    } finally {
      conf.remove("spark.default.parallelism");
    }

    close(few.toJson(), evaluation.toJson(), "");
    assertThat(few.samples()).isEqualTo(evaluation.samples());
  }

  /** Numbers up to the rounding of other batches, all else exactly. */
  private static void close(JsonNode actual, JsonNode expected, String place) {
    if (expected.isNumber()) {
      double value = expected.asDouble();
      assertThat(actual.asDouble())
          .as(place)
          .isCloseTo(value, within(1e-4 * (1 + Math.abs(value))));
      return;
    }
    assertThat(actual.size()).as(place).isEqualTo(expected.size());
    if (expected.isContainerNode()) {
      for (int i = 0; i < expected.size() && expected.isArray(); i++) {
        close(actual.get(i), expected.get(i), place + "/" + i);
      }
      expected
          .properties()
          .forEach(
              field ->
                  close(
                      actual.path(field.getKey()), field.getValue(), place + "/" + field.getKey()));
    } else {
      assertThat(actual).as(place).isEqualTo(expected);
    }
  }

  @Test
  void preferencesAreThoseOfThePairEvaluation() throws IOException {
    Evaluation.Preferences found = evaluation.policies().get(2).preferences().orElseThrow();

    List<TokenizedRow> rows = new ArrayList<>();
    ModelDirectory reference = ModelDirectory.open(Storage.local(), llama);
    try (Tokenizer tokenizer = Tokenizer.of(reference.tokenizerFiles())) {
      ScoringRows preparing = new ScoringRows(tokenizer, Kind.LANGUAGE_MODEL);
      for (String line : Files.readAllLines(Path.of(pairs))) {
        rows.add(preparing.prepare(rows.size(), Json.MAPPER.readValue(line, OBJECT)).row());
      }
    }
    try (CausalLm model = CausalLm.load(reference, CausalLm.Purpose.INFERENCE, ComputeDtype.F32)) {
      rows.replaceAll(row -> row.withReferenceLogps(model.logps(List.of(row)).logps().get(0)));
    }
    PairMetrics expected =
        PairEvaluation.run(
            Storage.local(),
            LocalSpark.context().parallelize(rows, 3),
            rope,
            ComputeDtype.F32,
            BETA,
            1024,
            1);

    assertThat(found.metrics().pairs()).isEqualTo(13);
    assertThat(found.metrics().accuracy()).isEqualTo(expected.accuracy());
    assertThat(found.metrics().prefersChosen()).isEqualTo(expected.prefersChosen());
    assertThat(found.metrics().margin()).isCloseTo(expected.margin(), within(1e-4));
    assertThat(found.metrics().rewardsChosen()).isCloseTo(expected.rewardsChosen(), within(1e-4));
    double share = found.reliability().stream().mapToDouble(bin -> bin.share()).sum();
    assertThat(share).isCloseTo(1, within(1e-12));
    double right =
        found.reliability().stream().mapToDouble(bin -> bin.share() * bin.observed()).sum();
    assertThat(right).isCloseTo(expected.accuracy(), within(1e-12));
    assertThat(found.marginError()).isPositive();
  }

  @Test
  void klAndRewardsAreThoseOfTheCompletionsThatGenerateWrites() {
    Evaluation.Policy policy = evaluation.policies().get(2);

    List<Map<String, Object>> rows = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      rows.add(Map.of("prompt", "What is " + i + " + 7?"));
    }
    double kl = 0;
    double digits = 0;
    double length = 0;
    try (Sampler sampler =
            Sampler.open(ModelDirectory.open(Storage.local(), rope), ComputeDtype.F32);
        CausalLm reference =
            CausalLm.load(
                ModelDirectory.open(Storage.local(), llama),
                CausalLm.Purpose.INFERENCE,
                ComputeDtype.F32)) {
      List<Sample> samples = sampler.sample(rows, request.decoding());
      for (int i = 0; i < samples.size(); i++) {
        Sample sample = samples.get(i);
        int[] prompt = sampler.promptTokens(rows.get(i / 3), i / 3);
        TokenizedRow row = TokenizedRow.of(0, prompt, List.of(sample.tokens()), List.of());
        double logp = 0;
        for (float one : reference.logps(List.of(row)).logps().get(0).get(0)) {
          logp += one;
        }
        kl += (sample.logp() - logp) / samples.size();
        length += (double) sample.tokens().length / samples.size();
        digits += sample.completion().matches("(?s).*[0-9].*") ? 1.0 / samples.size() : 0;
      }
    }

    Evaluation.Completions found = policy.completions().orElseThrow();
    assertThat(found.kl().orElseThrow().k1().mean()).isCloseTo(kl, within(1e-3)).isPositive();
    assertThat(found.kl().orElseThrow().k3().mean()).isPositive();
    assertThat(found.length().mean()).isCloseTo(length, within(1e-9));
    assertThat(found.rewards().get("digits")).isCloseTo(digits, within(1e-9));
    assertThat(found.reward().orElseThrow().mean()).isCloseTo(digits + 0.1 * length, within(1e-9));
    // Unrelated random models are much farther apart than four completions can tell.
    Tilt.Place place = policy.frontier().orElseThrow().place();
    assertThat(place.reach()).isEqualTo(Tilt.Reach.BEYOND);
    Evaluation.TiltResult tilt = evaluation.tilt().orElseThrow();
    assertThat(tilt.bestOfN()).hasSize(4);
    assertThat(place.reward()).isCloseTo(tilt.bestOfN().get(3).reward().mean(), within(1e-12));
    assertThat(tilt.optimum().reward().mean()).isGreaterThan(tilt.referenceReward().mean());
  }

  @Test
  void whatWasNotAskedForIsAbsent() {
    EvaluationRequest all = request(List.of(llama), OptionalInt.empty());
    JsonNode json =
        evaluate(
                new EvaluationRequest(
                    all.policies(),
                    Optional.empty(),
                    RowSources.of(List.of()),
                    all.prompts(),
                    List.of(DIGITS),
                    BETA,
                    OptionalInt.empty(),
                    DecodingSettings.greedy(2),
                    all.failures(),
                    all.passes()))
            .toJson();

    assertThat(json.has("reference")).isFalse();
    assertThat(json.has("beta")).isFalse();
    assertThat(json.has("tilt")).isFalse();
    JsonNode policy = json.path("policies").path(0);
    assertThat(policy.has("kl")).isFalse();
    assertThat(policy.has("preferences")).isFalse();
    assertThat(policy.has("win_rate")).isFalse();
    assertThat(policy.path("reward").path("mean").isNumber()).isTrue();
    assertThat(json.path("prompts").path("temperature").asDouble()).isZero();
  }

  @Test
  void whatCannotBeEvaluatedIsToldInASentence() throws IOException {
    EvaluationRequest good = request(List.of(llama), OptionalInt.empty());
    String empty = Files.writeString(temp.resolve("empty.jsonl"), "\n").toString();
    assertThatThrownBy(() -> evaluate(of(good, List.of(empty), List.of(), List.of())))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("--data holds no row");
    assertThatThrownBy(() -> evaluate(of(good, List.of(prompts), List.of(), List.of())))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("cannot be scored: answer is a number");
    assertThatThrownBy(
            () ->
                evaluate(
                    of(
                        good,
                        List.of(),
                        List.of(prompts),
                        List.of("answer{\"column\":\"no_such_column\"}"))))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("39 of 39 completions have no reward");

    Path foreign = Path.of(GoldenLlama.directory(temp.resolve("foreign")));
    Path tokenizer = foreign.resolve("tokenizer.json");
    Files.writeString(
        tokenizer, Files.readString(tokenizer).replace("<|im_start|>", "<|turn_start|>"));
    assertThatThrownBy(() -> evaluate(request(List.of(foreign.toString()), OptionalInt.empty())))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("different vocabularies");
  }

  private static EvaluationRequest of(
      EvaluationRequest of, List<String> data, List<String> asked, List<String> rewards) {
    return new EvaluationRequest(
        of.policies(),
        of.reference(),
        RowSources.of(data),
        RowSources.of(asked),
        rewards,
        of.beta(),
        of.tilt(),
        of.decoding(),
        of.failures(),
        of.passes());
  }
}
