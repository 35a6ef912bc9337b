package io.plumbline.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.ActivationMemory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TrainingPass;
import io.plumbline.model.WeightSource;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.objective.Objectives;
import io.plumbline.optim.Optimizer;
import io.plumbline.optim.Optimizers;
import io.plumbline.tensor.Torch;
import io.plumbline.train.Dpo;
import io.plumbline.train.MicroBatch;
import io.plumbline.train.Plain;
import io.plumbline.train.StepBatch;
import io.plumbline.train.Sums;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One DPO step of Plumbline (forward, loss, backward, clipping, AdamW, with entropy and accuracy
 * metrics as in every run) against one of a plain PyTorch loop, turn by turn in one run, so that
 * both see the same machine. Run it by {@code bench/run}.
 *
 * <p>Arguments: the Python program, {@code bench/plain_pytorch_dpo.py}, turns, threads.
 */
public final class DpoStepBenchmark {
  private static final int PAIRS = 4;
  private static final String MODEL =
      """
      {"model_type": "llama", "vocab_size": 8192, "hidden_size": 512, "num_hidden_layers": 6,
       "num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 1376,
       "rms_norm_eps": 1e-6, "max_position_embeddings": 1024, "tie_word_embeddings": false}""";

  private record Case(int prompt, int completion) {
    int tokens() {
      return 2 * PAIRS * (prompt + completion);
    }
  }

  private DpoStepBenchmark() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    String python = arguments[0];
    String script = arguments[1];
    int turns = Integer.parseInt(arguments[2]);
    int threads = Integer.parseInt(arguments[3]);
    Torch.useThreads(threads);
    System.out.printf(
        "%-22s %-6s %14s %14s %14s %8s%n",
        "prompt:completion", "type", "plain tok/s", "Plumbline", "ratio (median)", "best");
    for (Case size : List.of(new Case(192, 64), new Case(128, 128))) {
      for (ComputeDtype dtype : ComputeDtype.values()) {
        compare(python, script, size, dtype, turns, threads);
      }
    }
  }

  private static void compare(
      String python, String script, Case size, ComputeDtype dtype, int turns, int threads)
      throws IOException, InterruptedException {
    try (Peer peer = new Peer(python, script, size, threads);
        Step step = new Step(size, dtype)) {
      peer.step();
      step.run();
      double[] theirs = new double[turns];
      double[] ours = new double[turns];
      double[] ratios = new double[turns];
      for (int turn = 0; turn < turns; turn++) {
        theirs[turn] = peer.step();
        ours[turn] = step.run();
        ratios[turn] = theirs[turn] / ours[turn];
      }
      System.out.printf(
          Locale.ROOT,
          "%-22s %-6s %14.0f %14.0f %14.2f %8.2f%n",
          size.prompt() + ":" + size.completion(),
          dtype,
          size.tokens() / median(theirs),
          size.tokens() / median(ours),
          median(ratios),
          Arrays.stream(theirs).min().orElseThrow() / Arrays.stream(ours).min().orElseThrow());
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The plain loop in its own process, a step at a time. */
  private static final class Peer implements AutoCloseable {
    private final Process process;
    private final BufferedReader out;
    private final PrintWriter in;

    private Peer(String python, String script, Case size, int threads) throws IOException {
      process =
          new ProcessBuilder(
                  python,
                  script,
                  "--prompt",
                  Integer.toString(size.prompt()),
                  "--completion",
                  Integer.toString(size.completion()),
                  "--pairs",
                  Integer.toString(PAIRS),
                  "--threads",
                  Integer.toString(threads),
                  "--serve")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      in = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
      line();
    }

    private String line() throws IOException {
      String line = out.readLine();
      if (line == null) {
        throw new IOException("the Python program ended; its message is above");
      }
      return line;
    }

    double step() throws IOException {
      in.println("step");
      return Double.parseDouble(line());
    }

    @Override
    public void close() throws InterruptedException {
      in.println("quit");
      in.close();
      process.waitFor();
    }
  }

  /** What {@code TrainingLoop} does in a step with one rank and one micro-batch. */
  private static final class Step implements AutoCloseable {
    private final CausalLm policy;
    private final Optimizer optimizer;
    private final Dpo dpo = new Dpo(Plain.dpo(Objectives.dpo(0.1), 0.1, Double.POSITIVE_INFINITY));
    private final Sums sums = new Sums(dpo.sums(), List.of());
    private final List<TokenizedRow> rows = new ArrayList<>();
    private final List<Integer> slots = IntStream.range(0, PAIRS).boxed().toList();

    private Step(Case size, ComputeDtype dtype) throws IOException {
      DecoderConfig config =
          DecoderConfig.parse((ObjectNode) new ObjectMapper().readTree(MODEL), "the benchmark");
      policy = CausalLm.load(config, new RandomWeights(config), Purpose.TRAINING, dtype);
      optimizer =
          Optimizer.of(
              policy.segments(), Optimizers.decaying(Optimizers.constant(1e-5), 0.01), dtype);
      Random random = new Random(1);
      for (int i = 0; i < PAIRS; i++) {
        TokenizedRow row =
            TokenizedRow.of(
                i,
                random.ints(size.prompt(), 4, config.vocabSize()).toArray(),
                List.of(
                    random.ints(size.completion(), 4, config.vocabSize()).toArray(),
                    random.ints(size.completion(), 4, config.vocabSize()).toArray()),
                List.of());
        rows.add(row.withReferenceLogps(policy.logps(List.of(row)).logps().get(0)));
      }
    }

    double run() {
      long start = System.nanoTime();
      optimizer.clearGradients();
      try (TrainingPass<TokenLogps, TokenGradients> pass =
          policy.forward(rows, ActivationMemory.KEEP, dpo.statistics())) {
        pass.backward(
            dpo.loss(Plain.batch(dpo, StepBatch.of(rows)))
                .accumulate(new MicroBatch(rows, slots), pass.values(), sums),
            segment -> {});
      }
      double norm = optimizer.gradientNorm() / PAIRS;
      optimizer.step(1e-5, Math.min(1.0, 1.0 / (norm + 1e-6)) / PAIRS);
      return (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void close() {
      optimizer.close();
      policy.close();
    }
  }

  private static final class RandomWeights implements WeightSource {
    private final Map<String, long[]> shapes = new LinkedHashMap<>();
    private final Random random = new Random(0);

    private RandomWeights(DecoderConfig config) {
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
      boolean norm = name.endsWith("norm.weight");
      while (target.hasRemaining()) {
        target.put(norm ? 1f : 0.02f * (float) random.nextGaussian());
      }
    }
  }
}
