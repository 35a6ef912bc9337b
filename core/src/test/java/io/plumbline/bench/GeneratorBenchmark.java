package io.plumbline.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.Generation;
import io.plumbline.model.Generator;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.WeightSource;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * New tokens a second of a 25 M Llama with random weights: sequences of equal length, and sequences
 * whose lengths differ much, a batch after the other against slots that are refilled. Turn by turn
 * in one run, so that both see the same machine.
 *
 * <p>Arguments: turns, threads.
 */
public final class GeneratorBenchmark {
  private static final int SLOTS = 32;
  private static final String MODEL =
      """
      {"model_type": "llama", "vocab_size": 8192, "hidden_size": 512, "num_hidden_layers": 6,
       "num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 1376,
       "rms_norm_eps": 1e-6, "max_position_embeddings": 1024, "tie_word_embeddings": false}""";

  private GeneratorBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    int turns = Integer.parseInt(arguments[0]);
    Torch.useThreads(Integer.parseInt(arguments[1]));
    DecoderConfig config =
        DecoderConfig.parse((ObjectNode) new ObjectMapper().readTree(MODEL), "benchmark");
    // About one draw in 80 ends a completion.
    Set<Integer> eosIds =
        IntStream.range(0, config.vocabSize() / 80).boxed().collect(Collectors.toSet());
    SamplingSettings even = SamplingSettings.sampling(64, 1, 1, 1, Set.of());
    SamplingSettings uneven = SamplingSettings.sampling(512, 1, 4, 1, eosIds).withSlots(SLOTS);
    for (ComputeDtype dtype : ComputeDtype.values()) {
      try (CausalLm model =
              CausalLm.load(config, new RandomWeights(config), Purpose.INFERENCE, dtype);
          Generator generator = new Generator(model)) {
        double[] equal = new double[turns];
        double[] batches = new double[turns];
        double[] refilled = new double[turns];
        generator.generate(prompts(SLOTS), even);
        for (int turn = 0; turn < turns; turn++) {
          equal[turn] = speed(generator, prompts(SLOTS), SLOTS, even);
          batches[turn] = speed(generator, prompts(SLOTS), SLOTS / 4, uneven);
          refilled[turn] = speed(generator, prompts(SLOTS), SLOTS, uneven);
        }
        System.out.printf(
            Locale.ROOT,
            "%-5s equal lengths %6.0f   uneven: in batches %6.0f, refilled %6.0f (%.2f times)%n",
            dtype,
            median(equal),
            median(batches),
            median(refilled),
            median(refilled) / median(batches));
      }
    }
  }

  private static List<int[]> prompts(int count) {
    Random random = new Random(3);
    return IntStream.range(0, count).mapToObj(i -> random.ints(64, 0, 8192).toArray()).toList();
  }

  /** New tokens a second, so many prompts a call. */
  private static double speed(
      Generator generator, List<int[]> prompts, int together, SamplingSettings settings) {
    long start = System.nanoTime();
    long tokens = 0;
    for (int from = 0; from < prompts.size(); from += together) {
      long[] keys = IntStream.range(from, from + together).asLongStream().toArray();
      for (List<Generation> group :
          generator.generate(prompts.subList(from, from + together), keys, settings)) {
        tokens += group.stream().mapToLong(g -> g.tokens().length).sum();
      }
    }
    return tokens / ((System.nanoTime() - start) * 1e-9);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** Small normal weights, norms of 1. */
  private static final class RandomWeights implements WeightSource {
    private final Map<String, long[]> shapes = new LinkedHashMap<>();

    RandomWeights(DecoderConfig config) {
      config.parameterShapes().forEach(p -> shapes.put(p.name(), p.shape()));
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
      Random random = new Random(name.hashCode());
      boolean norm = name.endsWith("norm.weight");
      while (target.hasRemaining()) {
        target.put(norm ? 1 : 0.02f * (float) random.nextGaussian());
      }
    }
  }
}
