package io.plumbline.model;

import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The kernels' files where Python finds them. */
final class KernelFiles {
  private static final List<String> CALLED = List.of("layers", "head", "generation");
  private static final List<String> IMPORTED =
      List.of(
          "attention",
          "experts",
          "gemma",
          "gpt2",
          "gpt_neox",
          "granite",
          "llama",
          "olmo2",
          "olmoe",
          "parts",
          "places",
          "projections",
          "qwen3_moe",
          "rope");

  private KernelFiles() {}

  /** Writes the files with a model's constants in them, and the archives that Java makes. */
  static void write(Path directory, KernelFilling filling) throws IOException {
    for (String name : IMPORTED) {
      copy(directory, name);
    }
    for (String name : CALLED) {
      copy(directory, name);
      Files.write(
          directory.resolve(name + ".pt"), Kernels.archive(Decoder.class, name + ".py", filling));
    }
    Files.writeString(
        directory.resolve("family.py"),
        "from " + filling.modules().get("family") + " import final_norm, layer\n");
    List<String> lines = new ArrayList<>(List.of("import torch"));
    filling.constants().forEach((name, value) -> lines.add(name + " = " + value));
    Files.write(directory.resolve("config.py"), lines);
  }

  private static void copy(Path directory, String name) throws IOException {
    try (InputStream in = Decoder.class.getResourceAsStream(name + ".py")) {
      Files.copy(in, directory.resolve(name + ".py"));
    }
  }
}
