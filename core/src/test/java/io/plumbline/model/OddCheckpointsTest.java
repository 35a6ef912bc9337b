package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Checkpoints as people really have them, against transformers 5.23: the same numbers, before and
 * after they are saved again, or a refusal that names what is wrong.
 */
class OddCheckpointsTest {
  private static final Storage STORAGE = Storage.local();

  @TempDir static Path temp;

  private static Path made;
  private static JsonNode cases;

  @BeforeAll
  static void makeCheckpoints() throws Exception {
    Torch.useThreads(1);
    made = Files.createDirectories(temp.resolve("made"));
    cases = PythonPeer.run(temp, "odd_checkpoints.py", "make", made.toString());
  }

  /** What Plumbline computes from a checkpoint, after it was saved again if that is asked. */
  private static List<Double> values(Path path, JsonNode ids, boolean scores) {
    ModelDirectory directory = ModelDirectory.open(STORAGE, path.toString());
    if (scores) {
      ScoreModel.check(directory);
      try (ScoreModel model = ScoreModel.load(directory, Purpose.INFERENCE, ComputeDtype.F32)) {
        return scores(model, ids);
      }
    }
    CausalLm.check(directory);
    try (CausalLm model = CausalLm.load(directory, Purpose.INFERENCE, ComputeDtype.F32)) {
      List<Double> values = new ArrayList<>();
      for (JsonNode text : ids) {
        int[] tokens = tokens(text);
        TokenizedRow row =
            Models.row(Arrays.copyOf(tokens, 1), Arrays.copyOfRange(tokens, 1, tokens.length));
        double sum = 0;
        for (float logp : model.logps(List.of(row)).logps().get(0).get(0)) {
          sum += logp;
        }
        values.add(sum);
      }
      return values;
    }
  }

  /** Each text whole; its score does not depend on where its prompt ends. */
  private static List<Double> scores(ScoreModel model, JsonNode ids) {
    List<Double> values = new ArrayList<>();
    for (JsonNode text : ids) {
      int[] tokens = tokens(text);
      double whole = model.infer(List.of(Models.row(new int[0], tokens))).get(0)[0];
      for (int prompt = 1; prompt < tokens.length; prompt++) {
        int[] rest = Arrays.copyOfRange(tokens, prompt, tokens.length);
        TokenizedRow split = Models.row(Arrays.copyOf(tokens, prompt), rest, new int[] {9}, rest);
        float[] found = model.infer(List.of(split)).get(0);
        assertThat((double) found[0]).isCloseTo(whole, within(1e-4));
        assertThat((double) found[2]).isCloseTo(whole, within(1e-4));
      }
      values.add(whole);
    }
    return values;
  }

  private static int[] tokens(JsonNode text) {
    int[] tokens = new int[text.size()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = text.get(i).asInt();
    }
    return tokens;
  }

  private static boolean isScored(JsonNode of) {
    return of.get("head").asText().equals("score");
  }

  @Test
  void isReadAsTransformersReadsItOrRefusedByName() {
    SoftAssertions all = new SoftAssertions();
    for (Map.Entry<String, JsonNode> entry : cases.properties()) {
      JsonNode of = entry.getValue();
      String expected = of.get("expect").asText();
      String seen;
      try {
        List<Double> values = values(made.resolve(entry.getKey()), of.get("ids"), isScored(of));
        seen = "equal";
        all.assertThat(of.get("error").asText()).as(entry.getKey()).isEmpty();
        for (int i = 0; i < of.get("values").size(); i++) {
          all.assertThat(values.get(i))
              .as("%s, text %d", entry.getKey(), i)
              .isCloseTo(of.get("values").get(i).asDouble(), within(1e-3));
        }
      } catch (PlumblineException e) {
        seen = e.getMessage();
        all.assertThat(e.code()).as(entry.getKey()).isEqualTo(ErrorCode.BAD_CHECKPOINT);
      }
      all.assertThat(seen).as(entry.getKey()).contains(expected);
    }
    all.assertAll();
    assertThat(cases.size()).isGreaterThan(120);
  }

  /** What was read is saved as a checkpoint that transformers reads with the same numbers. */
  @Test
  void whatIsSavedHasTheSameNumbersInTransformers() throws Exception {
    Path saved = Files.createDirectories(temp.resolve("saved"));
    for (Map.Entry<String, JsonNode> entry : cases.properties()) {
      if (!entry.getValue().get("expect").asText().equals("equal")) {
        continue;
      }
      ModelDirectory start = ModelDirectory.open(STORAGE, made.resolve(entry.getKey()).toString());
      String target = saved.resolve(entry.getKey()).toString();
      if (isScored(entry.getValue())) {
        try (ScoreModel model = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32)) {
          model.write(STORAGE, target, start, WeightFormat.F32);
        }
      } else {
        try (CausalLm model = CausalLm.load(start, Purpose.INFERENCE, ComputeDtype.F32)) {
          model.write(STORAGE, target, start, WeightFormat.F32);
        }
      }
      ModelDirectory written = ModelDirectory.open(STORAGE, target);
      assertThat(written.kind() == ModelDirectory.Kind.REWARD_MODEL)
          .isEqualTo(isScored(entry.getValue()));
      assertThat(written.config().path("architectures").path(0).asText())
          .endsWith(isScored(entry.getValue()) ? "ForSequenceClassification" : "ForCausalLM");
    }

    JsonNode found = PythonPeer.run(temp, "odd_checkpoints.py", "values", saved.toString());

    SoftAssertions all = new SoftAssertions();
    for (Map.Entry<String, JsonNode> entry : found.properties()) {
      JsonNode of = cases.get(entry.getKey());
      all.assertThat(entry.getValue().get("error").asText()).as(entry.getKey()).isEmpty();
      for (int i = 0; i < entry.getValue().get("values").size(); i++) {
        all.assertThat(entry.getValue().get("values").get(i).asDouble())
            .as("%s, text %d", entry.getKey(), i)
            .isCloseTo(of.get("values").get(i).asDouble(), within(1e-3));
      }
    }
    all.assertAll();
    assertThat(found.size()).isGreaterThan(40);
  }
}
