package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.FileSlice;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Found;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Directories as people have them: cloned data sets, Spark's output, the remains of others' runs.
 */
class DataFilesTest {
  private final Storage storage = Storage.local();
  @TempDir Path directory;

  private void write(String... names) throws IOException {
    for (String name : names) {
      put(name, "{\"text\": \"" + name + "\"}\n");
    }
  }

  private void put(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private Found find(String below, Purpose purpose) {
    return DataFiles.find(storage, directory + below, purpose);
  }

  private List<String> names(Found found) {
    return found.files().stream()
        .map(file -> directory.relativize(Path.of(file.path())).toString())
        .toList();
  }

  private List<String> training(String below) {
    return names(find(below, Purpose.TRAINING));
  }

  private void refused(String below, Purpose purpose, String... words) {
    assertThatThrownBy(() -> find(below, purpose))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll(words)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_USAGE);
  }

  @Test
  void whatIsNeverDataIsLeftOut() throws IOException {
    write(
        "part-00000",
        "part-00001-9f.c000.json",
        "rows.jsonl.gz",
        "b.ndjson",
        "readme.jsonl",
        "x/more.parquet",
        // Not data:
        "README.md",
        "README",
        "LICENSE",
        "License.txt",
        ".gitattributes",
        ".git/HEAD",
        "_SUCCESS",
        ".part-00000.crc",
        "dataset_infos.json",
        "dataset_info.json",
        "script.py",
        "a.yaml",
        "SHA256SUMS",
        "rows.jsonl.md5",
        "notes.txt",
        "_temporary/0/part-1",
        "run.json",
        "CITATION.cff",
        "rows.jsonl~");
    assertThat(training(""))
        .containsExactly(
            "b.ndjson",
            "part-00000",
            "part-00001-9f.c000.json",
            "readme.jsonl",
            "rows.jsonl.gz",
            "x/more.parquet");
    assertThat(training("/*")).isEqualTo(training(""));
    // A file that is named is read whatever its name.
    assertThat(training("/notes.txt")).containsExactly("notes.txt");
  }

  @Test
  void aDirectoryWithoutDataSaysWhatItHas() throws IOException {
    write("README.md", "LICENSE");
    assertThatThrownBy(() -> find("", Purpose.TRAINING))
        .hasMessageContaining("names no data file (it has only LICENSE, README.md)");
  }

  @Test
  void trainingOnWhatIsCalledHeldOutIsSaid() throws IOException {
    write("data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet");
    assertThat(training("")).hasSize(2);
    assertThat(find("", Purpose.TRAINING).notes())
        .singleElement()
        .asString()
        .contains("holds the split test alone, which is read");
    assertThat(find("", Purpose.HELD_OUT).notes()).isEmpty();
    assertThat(find("/data/test-00000-of-00002.parquet", Purpose.TRAINING).notes()).isEmpty();
  }

  @Test
  void theOneTrainingSplitIsTakenAndSaid() throws IOException {
    write("README.md", "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet");
    assertThat(training("")).hasSize(2);
    assertThat(find("", Purpose.TRAINING).notes()).isEmpty();
    write("data/test-00000-of-00001.parquet");
    Found found = find("", Purpose.TRAINING);
    assertThat(names(found))
        .containsExactly("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet");
    assertThat(found.notes())
        .singleElement()
        .asString()
        .contains("the splits test, train: train is read (2 of 3 files)")
        .contains("data/test-00000-of-00001.parquet");
    Found held = find("", Purpose.HELD_OUT);
    assertThat(names(held)).containsExactly("data/test-00000-of-00001.parquet");
    assertThat(held.notes()).singleElement().asString().contains("test is read (1 of 3 files)");
    // A glob is a choice, but not a silent one.
    assertThat(find("/data/*.parquet", Purpose.TRAINING).files()).hasSize(3);
    assertThat(find("/data/*.parquet", Purpose.TRAINING).notes())
        .singleElement()
        .asString()
        .contains("matches the splits test, train, and all of it is read");
    assertThat(find("/data/train-*", Purpose.TRAINING).notes()).isEmpty();
  }

  @Test
  void splitsAreSeenInEveryLayout() throws IOException {
    List<List<String>> layouts =
        List.of(
            List.of("train.jsonl", "test.jsonl"),
            List.of("train/a.jsonl", "validation/a.jsonl"),
            List.of("train/0000.parquet", "dev/0000.parquet"),
            List.of("pairs_train.jsonl", "pairs_eval.jsonl"),
            List.of("my-train-set.json", "my-val-set.json"),
            List.of("train_1.jsonl.gz", "heldout.jsonl.gz"),
            List.of("split=train/part-0.parquet", "split=test/part-0.parquet"),
            List.of("training.jsonl", "held-out.jsonl"),
            List.of("train_prefs/x.parquet", "test_prefs/x.parquet"));
    for (int i = 0; i < layouts.size(); i++) {
      String root = "layout" + i + "/";
      for (String name : layouts.get(i)) {
        write(root + name);
      }
      assertThat(training("/layout" + i)).containsExactly(root + layouts.get(i).get(0));
      assertThat(names(find("/layout" + i, Purpose.HELD_OUT)))
          .containsExactly(root + layouts.get(i).get(1));
    }
  }

  @Test
  void directoriesWithoutSplitsAreReadWhole() throws IOException {
    write("a/en-00000-of-00001.parquet", "a/de-00000-of-00001.parquet");
    assertThat(training("/a")).hasSize(2);
    write("b/train.jsonl", "b/more.jsonl");
    assertThat(training("/b")).hasSize(2);
    write("c/test.jsonl");
    assertThat(training("/c")).hasSize(1);
    write("d/contest.jsonl", "d/trained.jsonl", "d/latest.jsonl", "d/values.jsonl");
    assertThat(training("/d")).hasSize(4);
  }

  @Test
  void ofSeveralThatMightBeMeantOneMustBeNamed() throws IOException {
    write(
        "data/train_sft-00000-of-00001.parquet",
        "data/train_prefs-00000-of-00001.parquet",
        "data/test_sft-00000-of-00001.parquet",
        "data/test_prefs-00000-of-00002.parquet",
        "data/test_prefs-00001-of-00002.parquet");
    refused(
        "",
        Purpose.TRAINING,
        "test_prefs, test_sft, train_prefs, train_sft",
        "one must be chosen",
        "data/train_prefs-00000-of-00001.parquet");
    refused("", Purpose.HELD_OUT, "one must be chosen");
    assertThat(training("/data/train_prefs-*")).hasSize(1);
    write("e/test.jsonl", "e/pairs.jsonl");
    refused("/e", Purpose.TRAINING, "the split test and files of no split, such as pairs.jsonl");
    write("f/test.jsonl", "f/validation.jsonl");
    refused("/f", Purpose.TRAINING, "the splits test, validation");
    refused("/f", Purpose.HELD_OUT, "the splits test, validation");
  }

  @Test
  void theCardOfADataSetSaysWhichFilesAreWhose() throws IOException {
    write("one/first/part.jsonl", "one/second/part.jsonl", "one/other.jsonl");
    put(
        "one/README.md",
        """
        ---
        license: mit
        task_categories: [text-generation, 'other']
        dataset_info:
          features:
            - name: prompt
              dtype: string
        configs:
        - config_name: default
          data_files:
          - split: train
            path: first/*.jsonl
          - split: test
            path:
            - second/part.jsonl
        ---
        # A card
        """);
    assertThat(training("/one")).containsExactly("one/first/part.jsonl");
    assertThat(names(find("/one", Purpose.HELD_OUT))).containsExactly("one/second/part.jsonl");

    write("two/main/train-00000-of-00001.parquet", "two/socratic/train-00000-of-00001.parquet");
    String card =
        """
        ---
        configs:
        - config_name: main
        %s  data_files: main/train-*
        - config_name: socratic
          data_files:
            train: "socratic/train-*"
        ---
        """;
    put("two/README.md", card.formatted(""));
    refused("/two", Purpose.TRAINING, "the configurations main, socratic", "two/main/train-*");
    put("two/README.md", card.formatted("  default: true\n"));
    assertThat(training("/two")).containsExactly("two/main/train-00000-of-00001.parquet");
    assertThat(find("/two", Purpose.TRAINING).notes())
        .singleElement()
        .asString()
        .contains("main is read");

    // A card that says nothing of files, is no YAML, or is about files that are not there.
    write("three/train.jsonl", "three/test.jsonl");
    for (String head :
        List.of("license: mit", "- [", "configs:\n- config_name: x\n  data_files: gone/*")) {
      put("three/README.md", "---\n" + head + "\n---\n");
      assertThat(training("/three")).as(head).containsExactly("three/train.jsonl");
    }
  }

  @Test
  void whatDatasetsSavesToDiskSaysHowToExportIt() throws IOException {
    write(
        "dataset_dict.json",
        "train/state.json",
        "train/dataset_info.json",
        "train/data-00000-of-00001.arrow");
    assertThatThrownBy(() -> find("", Purpose.TRAINING))
        .hasMessageContaining("save_to_disk")
        .hasMessageContaining("['train'].to_parquet(")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    assertThatThrownBy(() -> find("/train", Purpose.TRAINING))
        .hasMessageContaining(").to_parquet(");
  }

  @Test
  void columnsThatOnlyFoldersHaveAreReadAndSaid() throws IOException {
    write("lang=en/year=2026/part-0.parquet", "lang=de/year=2026/part-0.parquet");
    Found found = find("", Purpose.TRAINING);
    assertThat(found.slices().stream().map(FileSlice::folders))
        .containsExactly(Map.of("lang", "de", "year", 2026L), Map.of("lang", "en", "year", 2026L));
    assertThat(found.notes())
        .singleElement()
        .asString()
        .contains("have the columns lang, year from the names of its folders");
    assertThat(find("/lang=en", Purpose.TRAINING).slices().get(0).folders())
        .isEqualTo(Map.of("year", 2026L));
    assertThat(find("/lang=en/year=2026", Purpose.TRAINING).slices().get(0).folders()).isEmpty();
    assertThat(find("/lang=*/*", Purpose.TRAINING).slices().get(0).folders())
        .isEqualTo(Map.of("lang", "de", "year", 2026L));
  }

  @Test
  void formatsThatAreNotReadAreRefusedAmongOthers() throws IOException {
    write("a.jsonl");
    put("b.csv", "text,label\nx,y\n");
    put("empty.jsonl", "");
    Found found = find("", Purpose.TRAINING);
    assertThatThrownBy(() -> DataFiles.requireReadable(storage, found.files()))
        .hasMessageContaining("b.csv is CSV with the columns text, label")
        .hasMessageContaining("csv:" + directory);
  }

  /** Each look is a request to an object store. */
  @Test
  void noMoreThanSomeOfManyFilesAreLookedAtBeforeTheyAreRead() throws IOException {
    for (int i = 10; i < 57; i++) {
      // Every second of 47 is none that is read.
      put("%d.jsonl".formatted(i), i % 2 == 0 ? "{\"text\": \"x\"}\n" : "text,label\nx,y\n");
    }
    Found found = find("", Purpose.TRAINING);
    assertThat(found.files()).hasSize(47);
    DataFiles.requireReadable(storage, found.files());
    assertThatThrownBy(() -> DataFiles.requireReadable(storage, found.files().subList(0, 24)))
        .hasMessageContaining("11.jsonl");
  }
}
