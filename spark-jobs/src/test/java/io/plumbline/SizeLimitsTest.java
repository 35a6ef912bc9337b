package io.plumbline;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Things stay small: a file, the components of a record, the parameters of a constructor. What is
 * larger is named here with its reason, and only as long as it is larger.
 */
class SizeLimitsTest {
  private static final int LINES = 500;
  private static final int COMPONENTS = 10;
  private static final int PARAMETERS = 7;

  private static final String FILE = "the fields of a file that is kept";

  private static final Map<String, String> LONG_FILES =
      new TreeMap<>(
          Map.of(
              "Ring.java",
              "one protocol over one connection: frames, failures and the stream of sums"));

  private static final Map<String, String> WIDE_RECORDS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("io.plumbline.rollout.ledger.LedgerRow", "the columns of the ledger"),
              Map.entry("io.plumbline.spark.cli.pipeline.PipelineRecord$Stage", FILE)));

  @Test
  void filesAreShort() throws IOException {
    Map<String, String> longer = new TreeMap<>();
    for (Path module : modules()) {
      Path sources = module.resolve("src/main/java");
      if (!Files.isDirectory(sources)) {
        continue;
      }
      try (Stream<Path> files = Files.walk(sources)) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          long lines;
          try (Stream<String> all = Files.lines(file)) {
            lines = all.count();
          }
          if (lines > LINES) {
            longer.put(file.getFileName().toString(), lines + " lines");
          }
        }
      }
    }
    assertThat(longer.keySet()).isEqualTo(LONG_FILES.keySet());
  }

  @Test
  void recordsAreNarrow() {
    Map<String, String> wide = new TreeMap<>();
    for (JavaClass one : classes()) {
      if (one.isRecord()) {
        long components =
            one.getFields().stream()
                .filter(field -> !field.getModifiers().contains(JavaModifier.STATIC))
                .count();
        if (components > COMPONENTS) {
          wide.put(one.getName(), components + " components");
        }
      }
    }
    assertThat(wide.keySet()).isEqualTo(WIDE_RECORDS.keySet());
  }

  @Test
  void constructorsTakeFewParameters() {
    Map<String, String> longer = new TreeMap<>();
    for (JavaClass one : classes()) {
      if (!one.isRecord() && !one.isEnum() && !one.isAnonymousClass()) {
        one.getConstructors().stream()
            .mapToInt(constructor -> constructor.getRawParameterTypes().size())
            .filter(count -> count > PARAMETERS)
            .forEach(count -> longer.put(one.getName(), count + " parameters"));
      }
    }
    assertThat(longer).isEmpty();
  }

  private static JavaClasses classes() {
    return new ClassFileImporter()
        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
        .withImportOption(location -> !location.contains("-tests.jar"))
        .importPackages("io.plumbline");
  }

  private static Iterable<Path> modules() throws IOException {
    try (Stream<Path> children = Files.list(Path.of("..").toRealPath())) {
      return children.filter(Files::isDirectory).toList();
    }
  }
}
