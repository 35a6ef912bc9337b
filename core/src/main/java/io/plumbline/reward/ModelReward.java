package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.Example;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.TemplateVariables;
import io.plumbline.text.Tokenizer;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code model}: the score of a trained reward model. Prompt and completion are tokenized with the
 * reward model's own tokenizer and chat template, as the command {@code reward} did in training,
 * with the variables and the date of the run.
 */
public final class ModelReward implements RewardFunctionFactory {
  static final String KIND = "model";
  static final String PATH = "path";

  /** Options with what a run says about rendering, where the reward says nothing else. */
  static final String VARIABLES = "chat_template_kwargs";

  static final String DATE = "chat_template_date";

  @Override
  public String kind() {
    return KIND;
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    String path = options.requiredText(PATH, "runs/reward/checkpoint");
    int batchSize = options.count("batch_size", 8, 1);
    ComputeDtype dtype = options.choice("dtype", ComputeDtype.F32);
    TemplateSettings rendering = rendering(options);
    options.end();
    ModelDirectory directory = ModelDirectory.open(storage, path).with(rendering);
    if (!ScoreModel.hasHead(directory)) {
      throw options.bad(
          path
              + " is a language model and has no score head; train a reward model from it with the"
              + " command reward, and name that one's checkpoint");
    }
    ScoreModel.check(directory);
    return new Scorer(directory, Tokenizer.of(directory.tokenizerFiles()), batchSize, dtype);
  }

  private static TemplateSettings rendering(Options options) {
    String date = options.text(DATE, "");
    try {
      TreeMap<String, Object> variables =
          options
              .node(VARIABLES)
              .map(node -> new TreeMap<>(TemplateVariables.parse(node.toString())))
              .orElseGet(TreeMap::new);
      if (!date.isEmpty()) {
        OffsetDateTime.parse(date);
      }
      return new TemplateSettings("", variables, date);
    } catch (IllegalArgumentException e) {
      throw options.bad(VARIABLES + " " + e.getMessage());
    } catch (DateTimeException e) {
      throw options.bad(
          DATE + " must be a time with an offset such as 2026-05-04T12:00:00Z, not " + date);
    }
  }

  /** Loads the weights when it is first asked, so that a driver that only looks does without. */
  private static final class Scorer implements RewardFunction {
    private final ModelDirectory directory;
    private final Tokenizer tokenizer;
    private final ExampleTokenizer examples;
    private final ExampleParser parser =
        new ExampleParser(ExampleKind.SUPERVISED, ExampleShape.PROMPT_COMPLETION);
    private final int batchSize;
    private final ComputeDtype dtype;

    /** That of the rank, though another thread may do the scoring. */
    private final Device device = Device.ofThread();

    private ScoreModel model;

    Scorer(ModelDirectory directory, Tokenizer tokenizer, int batchSize, ComputeDtype dtype) {
      this.directory = directory;
      this.tokenizer = tokenizer;
      this.examples = new ExampleTokenizer(tokenizer, LengthLimits.none());
      this.batchSize = batchSize;
      this.dtype = dtype;
    }

    /** A row for the model, and which completions it scores. */
    private record Shared(TokenizedRow row, List<List<Integer>> owners) {}

    @Override
    public List<Reward> score(List<Completion> completions) throws InterruptedException {
      load();
      Reward[] rewards = new Reward[completions.size()];
      List<Shared> batch = new ArrayList<>();
      int size = 0;
      for (Shared shared : rows(completions)) {
        batch.add(shared);
        size += shared.owners.size();
        if (size >= batchSize) {
          infer(batch, rewards);
          batch.clear();
          size = 0;
        }
      }
      infer(batch, rewards);
      return List.of(rewards);
    }

    private void load() {
      if (model == null) {
        try (Device.Use use = device.use()) {
          model = ScoreModel.load(directory, Purpose.INFERENCE, dtype);
        } catch (PlumblineException e) {
          throw new ScoringException("the reward model cannot be loaded: " + e.getMessage(), e);
        }
      }
    }

    private void infer(List<Shared> batch, Reward[] rewards) throws InterruptedException {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (batch.isEmpty()) {
        return;
      }
      List<float[]> scores = model.infer(batch.stream().map(Shared::row).toList());
      for (int r = 0; r < batch.size(); r++) {
        List<List<Integer>> owners = batch.get(r).owners;
        for (int c = 0; c < owners.size(); c++) {
          for (int owner : owners.get(c)) {
            rewards[owner] = Reward.of(scores.get(r)[c]);
          }
        }
      }
    }

    /** Equal completions of a prompt once, and as many of a prompt in a row as a batch holds. */
    private List<Shared> rows(List<Completion> completions) {
      Map<List<Object>, Map<String, List<Integer>>> byPrompt = new LinkedHashMap<>();
      for (int i = 0; i < completions.size(); i++) {
        Completion completion = completions.get(i);
        byPrompt
            .computeIfAbsent(promptOf(completion), key -> new LinkedHashMap<>())
            .computeIfAbsent(completion.text(), text -> new ArrayList<>())
            .add(i);
      }
      List<Shared> rows = new ArrayList<>();
      byPrompt.forEach(
          (prompt, byText) -> {
            List<List<Integer>> all = List.copyOf(byText.values());
            for (int from = 0; from < all.size(); from += batchSize) {
              List<List<Integer>> owners =
                  all.subList(from, Math.min(all.size(), from + batchSize));
              List<Completion> different =
                  owners.stream().map(owner -> completions.get(owner.get(0))).toList();
              rows.add(new Shared(tokenized(prompt.get(0), different), owners));
            }
          });
      return rows;
    }

    /** The columns that the rendering of a prompt depends on. */
    private static List<Object> promptOf(Completion completion) {
      Map<String, Object> row = completion.row();
      Object prompt = row.get("prompt");
      List<Object> key = new ArrayList<>();
      key.add(prompt instanceof List || prompt instanceof String ? prompt : completion.prompt());
      key.add(row.get("tools"));
      key.add(row.get("chat_template_kwargs"));
      return key;
    }

    private TokenizedRow tokenized(Object prompt, List<Completion> different) {
      try {
        List<Example> parsed = new ArrayList<>();
        for (Completion completion : different) {
          Map<String, Object> row = new HashMap<>(completion.row());
          row.put("prompt", prompt);
          // The parser takes no empty text; a space scores a model that said nothing.
          String text = completion.text().isEmpty() ? " " : completion.text();
          row.put(
              "completion",
              prompt instanceof List
                  ? List.of(Map.of("role", "assistant", "content", text))
                  : text);
          parsed.add(parser.parse(row));
        }
        return examples.tokenize(together(parsed), 0).row();
      } catch (RefusedRowException e) {
        throw new ScoringException(
            "a prompt and its completion cannot be tokenized for the reward model ("
                + e.reason()
                + ")",
            e);
      }
    }

    private static Example together(List<Example> parsed) {
      if (parsed.get(0) instanceof Example.PromptedText first) {
        List<String> texts = new ArrayList<>();
        parsed.forEach(e -> texts.addAll(((Example.PromptedText) e).completions()));
        return new Example.PromptedText(first.prompt(), texts);
      }
      Example.PromptedChat first = (Example.PromptedChat) parsed.get(0);
      List<List<Map<String, Object>>> turns = new ArrayList<>();
      parsed.forEach(e -> turns.addAll(((Example.PromptedChat) e).completions()));
      return new Example.PromptedChat(first.prompt(), turns, first.settings());
    }

    @Override
    public void close() {
      if (model != null) {
        model.close();
      }
      tokenizer.close();
    }
  }
}
