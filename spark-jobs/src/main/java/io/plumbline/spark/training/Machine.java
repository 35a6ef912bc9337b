package io.plumbline.spark.training;

import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What of a machine may decide the last bits of a result. */
final class Machine {
  private static final String PROCESSORS = "/proc/cpuinfo";

  private Machine() {}

  /**
   * The processor here, and the PyTorch that a variable names instead of the jar's.
   *
   * @param threads that PyTorch uses in a rank
   */
  static Map<String, String> here(int threads) {
    Map<String, String> environment = new TreeMap<>();
    environment.put("threads_per_rank", Integer.toString(threads));
    environment.put(
        "processor", line("model name").orElse(System.getProperty("os.arch")) + vectors());
    Optional.ofNullable(System.getenv("PYTORCH_LIBRARY_PATH"))
        .ifPresent(path -> environment.put("pytorch_library_path", path));
    return environment;
  }

  /** PyTorch's kernels differ with these; a processor's name does not always tell them. */
  private static String vectors() {
    Set<String> flags = Set.copyOf(List.of(line("flags").orElse("").split(" ")));
    return Stream.of("avx2", "avx512f", "avx512_bf16", "amx_bf16")
        .filter(flags::contains)
        .reduce("", (all, flag) -> all + " " + flag);
  }

  /** What Linux says of the first processor under a name. */
  private static Optional<String> line(String name) {
    Storage local = Storage.local();
    if (!local.exists(PROCESSORS)) {
      return Optional.empty();
    }
    return local
        .readText(PROCESSORS)
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst();
  }
}
