package io.plumbline.spark.cli;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.evaluate.DecodingSettings;
import io.plumbline.spark.evaluate.Sample;
import io.plumbline.spark.evaluate.Sampler;
import io.plumbline.spark.evaluate.Sampling;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;

/** {@code generate}: text from prompts. */
final class GenerateCommand implements Command {
  private static final String DECODING = "How to decode";

  static final Setting<Boolean> CHAT =
      Setting.flag(
          "chat",
          TextSettings.FILES,
          "Takes each --prompt as a user's message and renders it by the model's chat template.");
  static final Setting<Integer> MAX_NEW_TOKENS =
      Setting.count("max-new-tokens", DECODING, "Longest completion, in tokens.", 1)
          .withInitial("128");
  static final Setting<Double> TEMPERATURE =
      Setting.number(
              "temperature",
              DECODING,
              "Divides the logits; 0 always takes the most probable token.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<Double> TOP_P =
      Setting.number(
              "top-p",
              DECODING,
              "Draws from the smallest set of most probable tokens that holds this share.",
              1e-9,
              1)
          .withInitial("1");
  static final Setting<Integer> TOP_K =
      Setting.count("top-k", DECODING, "Draws from this many most probable tokens; 0 from all.", 0)
          .withInitial("0");
  static final Setting<Long> SEED =
      Setting.whole("seed", DECODING, "With a row's place it fixes every draw.", 0)
          .withInitial("42");

  @Override
  public String name() {
    return "generate";
  }

  @Override
  public String summary() {
    return "Text from prompts, greedy or sampled.";
  }

  @Override
  public String description() {
    return "Completes each row's prompt, a text or a list of messages, with a KV cache. --prompt"
        + " runs in this process; --data is spread over Spark's slots. JSON lines have completion,"
        + " tokens, logps and logp.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "generate --model runs/dpo/checkpoint --chat --prompt 'What is 2 + 1?'",
        "generate --model runs/dpo/checkpoint --data prompts.jsonl --temperature 0.7 --top-p 0.9"
            + " --json > completions.jsonl");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        TextSettings.MODEL,
        TextSettings.DATA,
        TextSettings.PROMPT,
        CHAT,
        MAX_NEW_TOKENS,
        TEMPERATURE,
        TOP_P,
        TOP_K,
        SEED,
        TextSettings.JSON,
        SparkSessions.MASTER,
        TrainingSettings.COMPUTE_DTYPE.withHelp("In which type kernels multiply."));
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(TextSettings.MODEL, "name the Hugging Face directory to use").orElse("");
    TextSettings.checkSource(values, problems);
    boolean chat = values.of(CHAT);
    if (chat && values.all(TextSettings.PROMPT).isEmpty()) {
      problems.add("--chat is about --prompt: rows of --data say themselves what they are.");
    }
    DecodingSettings decoding =
        new DecodingSettings(
            values.of(MAX_NEW_TOKENS),
            values.of(TEMPERATURE),
            values.of(TOP_K),
            values.of(TOP_P),
            values.of(SEED));
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    boolean json = values.of(TextSettings.JSON);
    SparkSessions.check(values, 1, problems);
    return console -> {
      List<Map<String, Object>> prompts =
          values.all(TextSettings.PROMPT).stream().map(text -> row(text, chat)).toList();
      Consumer<Sample> write =
          sample -> console.out().println(json ? sample.toJson() : text(sample));
      if (!prompts.isEmpty() && !SparkSessions.startedBySpark()) {
        try (Sampler sampler = Sampler.open(Storage.of(new Configuration()), model, dtype)) {
          sampler.sample(prompts, decoding).forEach(write);
        }
        return;
      }
      TextStage<Sample> stage =
          (session, rows) ->
              Sampling.run(
                  session.storage(), rows, model, dtype, decoding, session.threadsPerTask());
      stage.forEach(values, prompts, write);
    };
  }

  private static Map<String, Object> row(String text, boolean chat) {
    return Map.of(
        "prompt", chat ? List.of(Map.of("role", "user", "content", text)) : (Object) text);
  }

  private static String text(Sample sample) {
    String newline = System.lineSeparator();
    return "> " + PromptText.of(sample.prompt()) + newline + sample.completion() + newline;
  }
}
