package io.plumbline.bench;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.optim.Optimizer;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Optimizers;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * What an update of each optimizer costs, of a real model with random gradients: seconds, bytes
 * that are kept, and by how much resident memory rises above values and gradients. Run it by {@code
 * bench/optimizers}.
 *
 * <p>Arguments: the model's directory, steps, threads.
 */
public final class OptimizerBenchmark {
  private static final double MIB = 1 << 20;

  private OptimizerBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    int steps = Integer.parseInt(arguments[1]);
    Torch.useThreads(Integer.parseInt(arguments[2]));
    ModelDirectory directory = ModelDirectory.open(Storage.local(), arguments[0]);
    System.out.println("| optimizer | seconds an update | kept, MiB | peak rise of memory, MiB |");
    System.out.println("| --- | ---: | ---: | ---: |");
    for (ComputeDtype dtype : ComputeDtype.values()) {
      try (CausalLm model = CausalLm.load(directory, Purpose.TRAINING, dtype)) {
        for (Map.Entry<String, OptimizerSettings> entry : optimizers(dtype).entrySet()) {
          measure(entry.getKey(), model.segments(), entry.getValue(), dtype, steps);
        }
      }
    }
  }

  /** Those that multiply no matrices do not differ by the type of products. */
  private static Map<String, OptimizerSettings> optimizers(ComputeDtype dtype) {
    Map<String, OptimizerSettings> all = new LinkedHashMap<>();
    if (dtype == ComputeDtype.F32) {
      all.put("adamw", Optimizers.of(Map.of()));
      all.put("adamw, moments in bf16", Optimizers.of(Map.of("adam-moments-dtype", "bf16")));
      all.put("adafactor", Optimizers.of(Map.of("optim", "adafactor")));
      all.put("sgd", Optimizers.of(Map.of("optim", "sgd")));
      all.put("sgd, momentum 0.9", Optimizers.of(Map.of("optim", "sgd", "sgd-momentum", "0.9")));
    }
    all.put(
        "muon, products in " + dtype.name().toLowerCase(Locale.ROOT),
        Optimizers.of(Map.of("optim", "muon")));
    return all;
  }

  private static void measure(
      String name,
      List<Segment> segments,
      OptimizerSettings settings,
      ComputeDtype dtype,
      int steps)
      throws IOException {
    randomGradients(segments);
    Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    long before = kilobytes("VmRSS");
    try (Optimizer optimizer = Optimizer.of(segments, settings, dtype)) {
      optimizer.step(1e-6, 1);
      double[] seconds = new double[steps];
      for (int step = 0; step < steps; step++) {
        long start = System.nanoTime();
        optimizer.step(1e-6, 1);
        seconds[step] = (System.nanoTime() - start) / 1e9;
      }
      Arrays.sort(seconds);
      System.out.printf(
          Locale.ROOT,
          "| %s | %.2f | %.0f | %.0f |%n",
          name,
          seconds[steps / 2],
          optimizer.momentBytes() / MIB,
          (kilobytes("VmHWM") - before) / 1024.0);
    }
  }

  private static void randomGradients(List<Segment> segments) {
    Random random = new Random(1);
    for (Segment segment : segments) {
      for (FloatBuffer gradients : segment.gradients().buffers()) {
        while (gradients.hasRemaining()) {
          gradients.put(random.nextFloat() - 0.5f);
        }
      }
      segment.storeGradients();
    }
  }

  /** A line of what Linux says of this process: its memory now, or its peak since it was reset. */
  private static long kilobytes(String line) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(text -> text.startsWith(line + ":"))
        .mapToLong(text -> Long.parseLong(text.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
