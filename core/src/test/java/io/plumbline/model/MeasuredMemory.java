package io.plumbline.model;

import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.AdapterConfig.Task;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.TrainingMemory.Parameters;
import io.plumbline.model.TrainingMemory.Pass;
import io.plumbline.model.TrainingMemory.Trained;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.optim.Optimizer;
import io.plumbline.optim.Optimizers;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * The resident memory of a process that trains a model, at its peak, beside what {@link
 * TrainingMemory} says. A process for each setting, as the kernel counts one peak a process. Run it
 * by {@code bench/memory}.
 *
 * <p>Arguments: the model's directory, the type of products, what is kept of activations, rows in a
 * micro-batch, tokens of a prompt and of a completion; and the type in which frozen weights are
 * held below an adapter of rank 16, or nothing to train all weights.
 */
public final class MeasuredMemory {
  private static final int STEPS = 3;
  private static final int THREADS = 2;
  private static final AdapterConfig LORA =
      AdapterConfig.lora(16, 32, 0, List.of("all-linear"), List.of(), Task.CAUSAL_LM);

  private MeasuredMemory() {}

  public static void main(String[] arguments) throws IOException {
    ComputeDtype dtype = ComputeDtype.valueOf(arguments[1]);
    ActivationMemory memory = ActivationMemory.valueOf(arguments[2]);
    int count = Integer.parseInt(arguments[3]);
    int prompt = Integer.parseInt(arguments[4]);
    int completion = Integer.parseInt(arguments[5]);
    Torch.useThreads(THREADS);
    ModelDirectory start = ModelDirectory.open(Storage.local(), arguments[0]);
    long before = peak();
    Optional<HeldDtype> held =
        arguments.length > 6 ? Optional.of(HeldDtype.valueOf(arguments[6])) : Optional.empty();
    Optional<CausalLm> below = held.map(type -> CausalLm.frozen(start, dtype, type));
    try (CausalLm model =
        below
            .map(base -> CausalLm.adapted(base, LORA, 1))
            .orElseGet(() -> CausalLm.load(start, Purpose.TRAINING, dtype))) {
      long loaded = peak();
      int vocabulary = model.config().vocabSize();
      Random random = new Random(1);
      List<TokenizedRow> rows = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        rows.add(
            Models.row(
                Models.tokens(random, prompt, vocabulary),
                Models.tokens(random, completion, vocabulary)));
      }
      try (Optimizer optimizer = Optimizer.of(model.segments(), Optimizers.constant(1e-6), dtype)) {
        for (int step = 0; step < STEPS; step++) {
          optimizer.clearGradients();
          try (TrainingPass<TokenLogps, TokenGradients> pass =
              model.forward(rows, memory, Set.of(TokenStatistic.ENTROPY))) {
            pass.backward(
                TokenGradients.of(Models.derivatives(pass.values(), random)), segment -> {});
          }
          optimizer.step(1e-6, 1);
        }
      }
      long trained = model.segments().stream().mapToLong(Segment::length).sum();
      Parameters all =
          held.map(
                  type ->
                      new Parameters(
                          new BaseStorage(model.config(), type).bytes(Head.TOKENS)
                              + trained * Float.BYTES,
                          trained,
                          2 * Float.BYTES,
                          Trained.ADAPTERS,
                          type))
              .orElse(Parameters.full(model.config(), Head.TOKENS, 2 * Float.BYTES));
      Pass pass =
          new Pass(
              (long) count * (prompt + completion), prompt + completion, (long) count * completion);
      TrainingMemory estimate = TrainingMemory.of(model.config(), all, pass, dtype, memory);
      long measured = peak();
      long loadedBytes = estimate.weights() + estimate.gradients();
      // With the part of Java's heap that loading takes, and the compiled kernels.
      long process = loaded - loadedBytes;
      System.out.printf(
          Locale.ROOT,
          "%-5s %-9s %2d x %4d:%-4d %-8s  process %d MB before and %d MB beside the loaded model, peak %d MB, estimate %d MB (%+.1f %%)  %s%n",
          dtype,
          memory,
          count,
          prompt,
          completion,
          held.map(HeldDtype::name).orElse("all"),
          before >> 20,
          process >> 20,
          measured >> 20,
          (process + estimate.total()) >> 20,
          100.0 * (process + estimate.total() - measured) / measured,
          estimate);
    }
    below.ifPresent(CausalLm::close);
  }

  /** The process's resident memory at most so far, in bytes, as Linux counts it. */
  private static long peak() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException("/proc/self/status has no VmHWM");
  }
}
