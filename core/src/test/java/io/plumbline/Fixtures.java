package io.plumbline;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where tests find the project's fixtures. */
public final class Fixtures {
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

  /** A file or directory below ../shared, which need not be there. */
  public static Optional<Path> shared(String path) {
    Path shared = root().resolveSibling("shared").resolve(path);
    return Files.exists(shared) ? Optional.of(shared) : Optional.empty();
  }
}
