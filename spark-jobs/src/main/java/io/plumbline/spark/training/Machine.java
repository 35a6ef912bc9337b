package io.plumbline.spark.training;

import io.plumbline.storage.Storage;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

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
    environment.put("processor", processor().orElse(System.getProperty("os.arch")));
    Optional.ofNullable(System.getenv("PYTORCH_LIBRARY_PATH"))
        .ifPresent(path -> environment.put("pytorch_library_path", path));
    return environment;
  }

  /** As Linux calls it. */
  private static Optional<String> processor() {
    Storage local = Storage.local();
    if (!local.exists(PROCESSORS)) {
      return Optional.empty();
    }
    return local
        .readText(PROCESSORS)
        .lines()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst();
  }
}
