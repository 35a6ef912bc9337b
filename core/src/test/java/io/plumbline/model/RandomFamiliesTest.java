package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every family with random sizes, windows, rotary positions and biases, beside transformers. */
class RandomFamiliesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MODELS = Integer.getInteger("plumbline.models", 24);

  private static final Storage STORAGE = Storage.local();

  @TempDir Path directory;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  @Test
  void computeWhatTransformersComputes() throws Exception {
    long seed = Long.getLong("plumbline.seed", System.nanoTime() % 1_000_000);
    JsonNode made =
        PythonPeer.run(
            directory,
            "random_families.py",
            directory.toString(),
            Long.toString(seed),
            Integer.toString(MODELS));
    SoftAssertions all = new SoftAssertions();
    for (JsonNode model : made.get("models")) {
      String name = "seed " + seed + ", " + model.get("name").asText();
      all.assertThatCode(() -> compare(model)).as(name).doesNotThrowAnyException();
    }
    all.assertAll();
  }

  private static CausalLm load(Path path, ComputeDtype dtype) {
    return CausalLm.load(ModelDirectory.open(STORAGE, path.toString()), Purpose.INFERENCE, dtype);
  }

  private void compare(JsonNode made) throws Exception {
    Path path = directory.resolve(made.get("name").asText());
    try (CausalLm model = load(path, ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      for (int i = 0; i < made.get("ids").size(); i++) {
        int[] ids = JSON.convertValue(made.get("ids").get(i), int[].class);
        float[][] expected = JSON.convertValue(made.get("logits").get(i), float[][].class);
        float[][] found = model.logits(ids);
        for (int t = 0; t < ids.length; t++) {
          assertThat(found[t])
              .as("logits of place %d", t)
              .containsExactly(expected[t], within(2e-4f));
        }
        sharedPrompts(model, ids);
        sampling(model, generator, ids);
      }
    }
    inBfloat16(path, made);
  }

  /** No farther from the numbers of f32 than transformers is, on the average. */
  private static void inBfloat16(Path path, JsonNode made) {
    double sum = 0;
    int count = 0;
    try (CausalLm model = load(path, ComputeDtype.BF16)) {
      for (int i = 0; i < made.get("ids").size(); i++) {
        float[][] found = model.logits(JSON.convertValue(made.get("ids").get(i), int[].class));
        float[][] expected = JSON.convertValue(made.get("logits").get(i), float[][].class);
        for (int t = 0; t < found.length; t++) {
          for (int v = 0; v < found[t].length; v++) {
            sum += Math.abs(found[t][v] - expected[t][v]);
            count++;
          }
        }
      }
    }
    assertThat(sum / count)
        .as("mean error in bfloat16")
        .isLessThan(1.1 * made.get("bf16_error").asDouble() + 1e-3);
  }

  /** Completions that share a prompt see the same as alone. */
  private static void sharedPrompts(CausalLm model, int[] ids) {
    int cut = ids.length / 2;
    int[] prompt = Arrays.copyOf(ids, cut);
    int[] rest = Arrays.copyOfRange(ids, cut, ids.length);
    int[] other = Arrays.copyOf(rest, rest.length);
    other[0] = (other[0] + 1) % model.config().vocabSize();
    TokenizedRow together = Models.row(prompt, other, rest);
    List<float[]> shared = model.logps(List.of(together)).logps().get(0);
    assertThat(shared.get(1))
        .as("a completion behind a prompt that is shared")
        .containsExactly(
            model.logps(List.of(Models.row(prompt, rest))).logps().get(0).get(0), within(1e-4f));
  }

  /** With the cache as without. */
  private static void sampling(CausalLm model, Generator generator, int[] ids) {
    List<int[]> prompts = List.of(ids, Arrays.copyOf(ids, 1 + ids.length / 3));
    List<List<Generation>> drawn =
        generator.generate(prompts, SamplingSettings.sampling(15, 1, 1, 5, Set.of()));
    for (int p = 0; p < prompts.size(); p++) {
      Generation one = drawn.get(p).get(0);
      assertThat(one.logps())
          .as("log-probabilities of what is sampled")
          .containsExactly(
              model.logps(List.of(Models.row(prompts.get(p), one.tokens()))).logps().get(0).get(0),
              within(1e-4f));
    }
  }
}
