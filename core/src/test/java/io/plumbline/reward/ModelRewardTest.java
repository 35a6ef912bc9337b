package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ModelRewardTest {
  private static final Storage STORAGE = Storage.local();

  @TempDir static Path temp;

  private static Path languageModel;
  private static Path rewardModel;

  /** The golden language model, and a reward model made of it. */
  @BeforeAll
  static void makeModels() throws Exception {
    Torch.useThreads(1);
    languageModel = Fixtures.modelWithTokenizer("llama", temp.resolve("language-model"));
    rewardModel = temp.resolve("reward-model");
    ModelDirectory start = ModelDirectory.open(STORAGE, languageModel.toString());
    try (ScoreModel model = ScoreModel.load(start, Purpose.TRAINING, ComputeDtype.F32, 7)) {
      model.write(STORAGE, rewardModel.toString(), start, WeightFormat.F32);
    }
  }

  private static String spec(Path path, String more) {
    return "model{\"path\":\"" + path + "\"" + more + "}";
  }

  /** Each text by itself, from its ids. */
  private static double[] expected(List<int[]> texts) {
    ModelDirectory directory = ModelDirectory.open(STORAGE, rewardModel.toString());
    try (ScoreModel model = ScoreModel.load(directory, Purpose.INFERENCE, ComputeDtype.F32)) {
      return texts.stream()
          .mapToDouble(
              ids ->
                  model.infer(List.of(TokenizedRow.of(0, new int[0], List.of(ids), List.of())))
                      .get(0)[0])
          .toArray();
    }
  }

  private static void check(List<Completion> completions, List<int[]> texts, String options) {
    try (RewardPanel panel =
        RewardPanel.open(List.of(RewardSpec.parse(spec(rewardModel, options))), STORAGE)) {
      // Twice, as a run does.
      panel.score(completions);
      List<ScoredCompletion> scored = panel.score(completions);
      double[] expected = expected(texts);
      assertThat(expected).doesNotHaveDuplicates();
      for (int i = 0; i < expected.length; i++) {
        assertThat(scored.get(i).failure()).isEmpty();
        assertThat(scored.get(i).rewards()[0])
            .as("completion %s", i)
            .isCloseTo(expected[i], within(1e-5));
      }
    }
  }

  /** Known when the reward is made, which is before any work, and not at the first score. */
  @Test
  void aModelThatDoesNotFitItsWeightsIsRefusedAtOnce() throws Exception {
    Path broken = Files.createDirectories(temp.resolve("broken"));
    try (var files = Files.list(rewardModel)) {
      for (Path file : files.toList()) {
        Files.copy(file, broken.resolve(file.getFileName()));
      }
    }
    String config = Files.readString(broken.resolve("config.json"));
    Files.writeString(
        broken.resolve("config.json"),
        config.replaceFirst("\"num_hidden_layers\" *: *\\d+", "\"num_hidden_layers\": 3"));
    assertThatThrownBy(() -> RewardPanel.open(List.of(RewardSpec.parse(spec(broken, ""))), STORAGE))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll(broken.toString(), "lacks the tensor model.layers.2.");
  }

  private static final List<String> ANSWERS =
      List.of("Four.", "It is 4, I think", "\nno", "22", "I do not know that at all");

  @Test
  void scoresMessagesThroughTheModelsOwnChatTemplate() {
    List<Completion> completions = new ArrayList<>();
    List<int[]> texts = new ArrayList<>();
    ModelDirectory directory = ModelDirectory.open(STORAGE, rewardModel.toString());
    try (Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles())) {
      for (String question : List.of("What is 2 + 2?", "And 3 + 1?")) {
        Map<String, Object> user = Map.of("role", "user", "content", question);
        for (String answer : ANSWERS) {
          completions.add(Completions.of(Map.of("prompt", List.of(user)), answer));
          Map<String, Object> turn = Map.of("role", "assistant", "content", answer);
          texts.add(tokenizer.tokenize(ChatRequest.of(List.of(user, turn))).ids());
        }
      }
    }
    check(completions, texts, "");
    check(completions, texts, ",\"batch_size\":3");
  }

  /** As TRL's GRPOTrainer gives its chat_template_kwargs to the template of a reward model. */
  @Test
  void rendersWithTheVariablesAndTheDateOfTheRun() throws Exception {
    Path dated = temp.resolve("dated");
    Files.createDirectories(dated);
    try (var files = Files.list(rewardModel)) {
      for (Path file : files.toList()) {
        Files.copy(file, dated.resolve(file.getFileName()));
      }
    }
    Files.writeString(
        dated.resolve("chat_template.jinja"),
        "{{ tone|default('-') }}{{ strftime_now('%d %B %Y') }}"
            + "{% for m in messages %}{{ m.content }};{% endfor %}");
    TemplateSettings run =
        new TemplateSettings(
            "{{ messages }}", new TreeMap<>(Map.of("tone", "kind")), "2020-02-29T00:00:00Z");
    Completion four =
        Completions.of(
            Map.of("prompt", List.of(Map.of("role", "user", "content", "2 + 2?"))), "Four.");
    double[] expected;
    try (Tokenizer tokenizer =
        Tokenizer.of(ModelDirectory.open(STORAGE, dated.toString()).tokenizerFiles())) {
      expected =
          expected(
              List.of(
                  tokenizer.encodeWithoutSpecialTokens("kind29 February 20202 + 2?;Four.;"),
                  tokenizer.encodeWithoutSpecialTokens("curt01 March 20212 + 2?;Four.;")));
    }
    List<String> specs =
        List.of(
            spec(dated, ""),
            spec(
                dated,
                ",\"chat_template_kwargs\":{\"tone\":\"curt\"}"
                    + ",\"chat_template_date\":\"2021-03-01T00:00:00Z\",\"name\":\"own\""));
    try (RewardPanel panel =
        RewardPanel.open(
            specs.stream().map(spec -> RewardSpec.parse(spec).renderedAs(run)).toList(), STORAGE)) {
      double[] rewards = panel.score(List.of(four)).get(0).rewards();

      assertThat(rewards).containsExactly(expected, within(1e-5));
      assertThat(rewards).doesNotHaveDuplicates();
    }
    assertThatThrownBy(
            () ->
                RewardPanel.open(
                    List.of(RewardSpec.parse(spec(dated, ",\"chat_template_date\":\"soon\""))),
                    STORAGE))
        .hasMessageContaining("chat_template_date must be a time with an offset");
    assertThatThrownBy(
            () ->
                RewardPanel.open(
                    List.of(
                        RewardSpec.parse(
                            spec(dated, ",\"chat_template_kwargs\":{\"messages\":1}"))),
                    STORAGE))
        .hasMessageContaining("chat_template_kwargs must not set messages");
  }

  @Test
  void scoresTextWithItsEnd() {
    List<Completion> completions = new ArrayList<>();
    List<int[]> texts = new ArrayList<>();
    ModelDirectory directory = ModelDirectory.open(STORAGE, rewardModel.toString());
    try (Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles())) {
      String end = tokenizer.eosToken().orElseThrow();
      for (String answer : ANSWERS) {
        completions.add(Completions.of(Map.of("prompt", "2 + 2 = "), answer));
        texts.add(tokenizer.encode("2 + 2 = " + answer + end));
        // A row without a prompt column: what the policy read.
        completions.add(Completions.of(Map.of("question", 1), answer));
        texts.add(tokenizer.encode("How many?" + answer + end));
      }
    }
    check(completions, texts, "");
  }

  @Test
  void equalCompletionsGetEqualScoresAndEmptyOnesGetOne() {
    Completion four = Completions.of("Four.");
    try (RewardPanel panel =
        RewardPanel.open(List.of(RewardSpec.parse(spec(rewardModel, ""))), STORAGE)) {
      List<ScoredCompletion> scored = panel.score(List.of(four, Completions.of(""), four));

      assertThat(scored).allMatch(s -> s.failure().isEmpty() && Double.isFinite(s.rewards()[0]));
      assertThat(scored.get(0).rewards()).isEqualTo(scored.get(2).rewards());
      assertThat(scored.get(0).rewards()).isNotEqualTo(scored.get(1).rewards());
    }
  }

  @Test
  void scoresTheStepsOfACompletion() {
    String spec =
        "steps{\"by\":\"" + spec(rewardModel, "").replace("\"", "\\\"") + "\",\"separator\":\";\"}";
    Completion completion = Completions.of("Four; or five");

    assertThat(Completions.reward(spec, completion).steps())
        .extracting(step -> step.end())
        .containsExactly(5, 13);
    assertThat(Completions.reward(spec, completion).steps().get(1).value())
        .isCloseTo(Completions.value(spec(rewardModel, ""), completion), within(1e-5));
  }

  @Test
  void refusesWhatIsNoRewardModel() {
    assertThatThrownBy(() -> Completions.value(spec(languageModel, ""), Completions.of("Four.")))
        .hasMessageContaining("is a language model and has no score head");
    assertThatThrownBy(
            () -> Completions.value(spec(temp.resolve("none"), ""), Completions.of("Four.")))
        .hasMessageContaining("There is no model directory");
    assertThatThrownBy(
            () ->
                Completions.value(
                    spec(rewardModel, ",\"dtype\":\"fp16\""), Completions.of("Four.")))
        .hasMessageContaining("it must be one of f32, bf16");
  }
}
