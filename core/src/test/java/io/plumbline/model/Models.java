package io.plumbline.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.Segment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** Models and rows that the tests of this package share. */
final class Models {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Models() {}

  /** The golden models: at least one a family, and one a setting that changes the numbers. */
  static Stream<String> families() {
    return Stream.of(
        "llama",
        "llama3_rope",
        "llama_linear",
        "llama_yarn",
        "mistral_sw8",
        "ministral",
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "gemma2",
        "gemma3_text",
        "phi3",
        "phi3_longrope",
        "olmo2",
        "olmo3",
        "olmoe",
        "smollm3",
        "granite",
        "gpt2",
        "gpt_neox");
  }

  static CausalLm golden(String name, Purpose purpose, ComputeDtype dtype) {
    return golden(name, "config.json", purpose, dtype);
  }

  static CausalLm golden(String name, String config, Purpose purpose, ComputeDtype dtype) {
    Path directory = Fixtures.golden("models/" + name);
    return CausalLm.load(
        DecoderConfig.parse((ObjectNode) json(directory.resolve(config)), name),
        goldenWeights(name),
        purpose,
        dtype);
  }

  static WeightSource goldenWeights(String name) {
    return TensorFile.open(Fixtures.golden("models/" + name).resolve("model.safetensors"));
  }

  static TensorFile goldenTensors(String name) {
    return TensorFile.open(Fixtures.golden("models/" + name + "/golden.safetensors"));
  }

  static JsonNode goldenJson(String name) {
    return json(Fixtures.golden("models/" + name + "/golden.json"));
  }

  static JsonNode json(Path path) {
    try {
      return JSON.readTree(path.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A configuration in the form of transformers 5; {@code changes} are merged into it. */
  static ObjectNode config(Map<String, Object> changes) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("model_type", "llama");
    fields.put("vocab_size", 97);
    fields.put("hidden_size", 32);
    fields.put("intermediate_size", 48);
    fields.put("num_hidden_layers", 3);
    fields.put("num_attention_heads", 4);
    fields.put("num_key_value_heads", 2);
    fields.put("rms_norm_eps", 1e-5);
    fields.put("tie_word_embeddings", false);
    fields.putAll(changes);
    return JSON.valueToTree(fields);
  }

  static CausalLm random(ObjectNode config, Purpose purpose, ComputeDtype dtype, long seed) {
    DecoderConfig parsed = DecoderConfig.parse(config, "random");
    return CausalLm.load(parsed, randomWeights(parsed, seed), purpose, dtype);
  }

  static WeightSource randomWeights(DecoderConfig config, long seed) {
    return new RandomWeights(config, seed);
  }

  /** Normal weights, norms around 1. */
  private static final class RandomWeights implements WeightSource {
    private final Map<String, long[]> shapes = new LinkedHashMap<>();
    private final long seed;

    RandomWeights(DecoderConfig config, long seed) {
      config.parameterShapes().forEach(p -> shapes.put(p.name(), p.shape()));
      this.seed = seed;
    }

    @Override
    public String description() {
      return "random weights";
    }

    @Override
    public Set<String> names() {
      return shapes.keySet();
    }

    @Override
    public long[] shape(String name) {
      return shapes.get(name);
    }

    @Override
    public void read(String name, long from, FloatBuffer target) {
      Random random = new Random(seed ^ name.hashCode());
      for (long i = 0; i < from; i++) {
        random.nextGaussian();
      }
      boolean norm = name.endsWith("norm.weight");
      while (target.hasRemaining()) {
        float x = (float) random.nextGaussian();
        target.put(norm ? 1 + 0.1f * x : 0.15f * x);
      }
    }
  }

  static TokenizedRow row(int[] prompt, int[]... completions) {
    return TokenizedRow.of(0, prompt, List.of(completions), List.of());
  }

  static TokenizedRow masked(int[] prompt, List<int[]> completions, List<byte[]> masks) {
    return TokenizedRow.of(0, prompt, completions, masks);
  }

  static int[] tokens(Random random, int length, int vocab) {
    return random.ints(length, 0, vocab).toArray();
  }

  /** A derivative for each log-probability, different everywhere. */
  static List<List<float[]>> derivatives(TokenLogps tokens, Random random) {
    List<List<float[]>> out = new ArrayList<>();
    for (List<float[]> row : tokens.logps()) {
      List<float[]> r = new ArrayList<>();
      for (float[] completion : row) {
        r.add(gaussians(random, completion.length));
      }
      out.add(r);
    }
    return out;
  }

  static Map<String, float[]> gradients(CausalLm model) {
    return gradients(model.segments());
  }

  static Map<String, float[]> gradients(List<Segment> segments) {
    Map<String, float[]> out = new LinkedHashMap<>();
    for (Segment segment : segments) {
      for (Segment.Slice slice : segment.slices()) {
        float[] g = new float[Math.toIntExact(slice.length())];
        segment.gradients().get(slice.offset(), g);
        out.put(slice.name(), g);
      }
    }
    return out;
  }

  static void zeroGradients(CausalLm model) {
    zeroGradients(model.segments());
  }

  static void zeroGradients(List<Segment> segments) {
    for (Segment segment : segments) {
      segment.gradients().put(0, new float[Math.toIntExact(segment.length())]);
    }
  }

  static float[] gaussians(Random random, int count) {
    float[] out = new float[count];
    for (int i = 0; i < count; i++) {
      out[i] = (float) random.nextGaussian();
    }
    return out;
  }

  static double norm(float[] values) {
    double sum = 0;
    for (float v : values) {
      sum += (double) v * v;
    }
    return Math.sqrt(sum);
  }

  /** Largest difference of two vectors over the length of the first. */
  static double relativeDifference(float[] expected, float[] actual) {
    float[] difference = new float[expected.length];
    for (int i = 0; i < expected.length; i++) {
      difference[i] = actual[i] - expected[i];
    }
    double length = norm(expected);
    return length == 0 ? norm(difference) : norm(difference) / length;
  }
}
