package io.plumbline.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Globs and names as people have them, on a local disk and on an object store. */
class GlobTest {
  @TempDir Path directory;

  private static Storage storage() {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    return Storage.of(configuration);
  }

  private void write(String... names) throws IOException {
    for (String name : names) {
      Path file = directory.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, name);
    }
  }

  private List<String> expand(String prefix, String pattern) {
    String root = prefix + directory + "/";
    return storage().expand(root + pattern).stream()
        .map(Storage.Entry::path)
        .map(
            path ->
                path.substring(
                    path.indexOf(directory.toString()) + directory.toString().length() + 1))
        .toList();
  }

  /** HADOOP-14217: Hadoop's own globs end in a URISyntaxException. */
  @ParameterizedTest
  @ValueSource(strings = {"", "file:", "file://", "objects:"})
  void namesOfEveryKindAreFoundAndRead(String prefix) throws IOException {
    List<String> names =
        List.of(
            "day/pairs_2026-11-29T10:15:00.jsonl",
            "day/a b.jsonl",
            "day/a%20b.jsonl",
            "day/a+b.jsonl",
            "day/a#b.jsonl",
            "day/a[1].jsonl",
            "day/{a}.jsonl",
            "day/a*b?.jsonl",
            "day/\u00fc \u4f60\u597d.jsonl",
            "day/x=1/b&c;d.jsonl");
    write(names.toArray(String[]::new));
    assertThat(expand(prefix, "day")).containsExactlyInAnyOrderElementsOf(names);
    assertThat(expand(prefix, "d*")).containsExactlyInAnyOrderElementsOf(names);
    assertThat(expand(prefix, "day/*")).containsExactlyInAnyOrderElementsOf(names);
    assertThat(expand(prefix, "day/*T10:15*")).containsExactly(names.get(0));
    assertThat(expand(prefix, "*/a\\[1\\].jsonl")).containsExactly("day/a[1].jsonl");
    for (String name : names) {
      String path = prefix + directory + "/" + name;
      assertThat(storage().expand(path))
          .singleElement()
          .satisfies(e -> assertThat(storage().readText(e.path())).isEqualTo(name));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void patternsMatchAsHadoopHasThem(String prefix) throws IOException {
    write(
        "a1.jsonl",
        "a2.jsonl",
        "b1.json",
        "s/c1.jsonl",
        "s/t/d1.jsonl",
        ".hidden",
        "_SUCCESS",
        "s/.h/e1.jsonl");
    assertThat(expand(prefix, "a?.jsonl")).containsExactly("a1.jsonl", "a2.jsonl");
    assertThat(expand(prefix, "[ab]1.*")).containsExactly("a1.jsonl", "b1.json");
    assertThat(expand(prefix, "[^a]1.*")).containsExactly("b1.json");
    assertThat(expand(prefix, "[!a]1.*")).containsExactly("b1.json");
    assertThat(expand(prefix, "a[0-1].jsonl")).containsExactly("a1.jsonl");
    assertThat(expand(prefix, "{a1,s/c1}.jsonl")).containsExactly("a1.jsonl", "s/c1.jsonl");
    assertThat(expand(prefix, "{a{1,2},b1}.json*"))
        .containsExactly("a1.jsonl", "a2.jsonl", "b1.json");
    assertThat(expand(prefix, "*/c1.jsonl")).containsExactly("s/c1.jsonl");
    // Any number of folders, as in Python's glob and in datasets; hidden ones are passed over.
    assertThat(expand(prefix, "**/*1.jsonl"))
        .containsExactly("a1.jsonl", "s/c1.jsonl", "s/t/d1.jsonl");
    assertThat(expand(prefix, "s/**")).containsExactly("s/c1.jsonl", "s/t/d1.jsonl");
    assertThatThrownBy(() -> expand(prefix, "z*"))
        .hasMessageContaining("No file matches")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    assertThatThrownBy(() -> expand(prefix, "[z-a]*")).hasMessageContaining("is not a pattern");
  }

  /** Braces may leave nothing of a pattern but its root. */
  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void anAlternativeMayBeEmpty(String prefix) throws IOException {
    write("a/1.jsonl", "b/1.jsonl");
    assertThat(new Glob(storage(), prefix + "/{no-such-name-here,}").matches())
        .containsOnlyKeys(prefix + "/");
    assertThat(expand(prefix, "{a,b}/{1.jsonl,}")).contains("a/1.jsonl", "b/1.jsonl");
    assertThat(expand(prefix, "a{,x}/1{,.jsonl}")).containsExactly("a/1.jsonl");
    assertThat(new Glob(storage(), "{no-such-name-here,}").matches()).isEmpty();
  }

  @Test
  void aBareNameWithAColonSaysHowToWriteIt() {
    assertThatThrownBy(() -> storage().exists("pairs_2026-11-29T10:15:00.jsonl"))
        .hasMessageContaining("./pairs_2026-11-29T10:15:00.jsonl")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_USAGE);
    assertThat(storage().exists("./pairs_2026-11-29T10:15:00.jsonl")).isFalse();
  }
}
