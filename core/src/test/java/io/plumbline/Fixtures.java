package io.plumbline;

import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Where tests find the project's fixtures. */
public final class Fixtures {
  private static final List<String> MODEL =
      List.of("config.json", "generation_config.json", "model.safetensors");
  private static final List<String> TOKENIZER =
      List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json");

  private Fixtures() {}

  /** The repository's root. */
  public static Path root() {
    String root = System.getProperty("plumbline.root");
    if (root == null) {
      throw new IllegalStateException(
          "run the tests by Maven, or with -Dplumbline.root=REPOSITORY");
    }
    return Path.of(root);
  }

  /** A file or directory below fixtures/golden. */
  public static Path golden(String path) {
    Path golden = root().resolve("fixtures/golden").resolve(path);
    if (!Files.exists(golden)) {
      throw new IllegalStateException("no fixture " + golden);
    }
    return golden;
  }

  /** A copy of a golden model with the golden tokenizer, which tests may change. */
  public static Path modelWithTokenizer(String name, Path directory) throws IOException {
    Files.createDirectories(directory);
    for (String file : MODEL) {
      Files.copy(golden("models/" + name).resolve(file), directory.resolve(file));
    }
    for (String file : TOKENIZER) {
      Files.copy(golden("tokenizer").resolve(file), directory.resolve(file));
    }
    return directory;
  }

  /** The golden tokenizer. */
  public static TokenizerFiles tokenizerFiles() throws IOException {
    TreeMap<String, String> contents = new TreeMap<>();
    for (String file : TOKENIZER) {
      contents.put(file, Files.readString(golden("tokenizer").resolve(file)));
    }
    return new TokenizerFiles(contents);
  }

  /** A file or directory below ../shared, which need not be there. */
  public static Optional<Path> shared(String path) {
    Path shared = root().resolveSibling("shared").resolve(path);
    return Files.exists(shared) ? Optional.of(shared) : Optional.empty();
  }
}
