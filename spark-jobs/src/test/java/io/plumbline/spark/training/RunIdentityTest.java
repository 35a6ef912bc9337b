package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.checkpoint.RunRecord;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunIdentityTest {
  private static List<String> data(String source, String directory) {
    RunRecord record =
        RunRecord.started("sft", Instant.EPOCH)
            .withConfiguration(Map.of("model", "m", "data", List.of(source)))
            .withDirectory(directory);
    return RunIdentity.of(record).inputs().get("data");
  }

  /** The same files are the same data, wherever a call is made and however they are spelled. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rows.jsonl | /d/rows.jsonl",
        "./rows.jsonl | /d/rows.jsonl",
        "a/../b/./rows.jsonl | /d/b/rows.jsonl",
        "../rows.jsonl | /rows.jsonl",
        ". | /d",
        "a/. | /d/a",
        "a//rows.jsonl | /d/a/rows.jsonl",
        "file:///d/rows.jsonl | /d/rows.jsonl",
        "rows/ | /d/rows",
        "csv:rows.csv | csv:/d/rows.csv",
        "csv:./rows.csv | csv:/d/rows.csv",
        "csv:file:/d/rows.csv | csv:/d/rows.csv",
        "csv{\"sep\":\";\"}:rows.csv | csv{\"sep\":\";\"}:/d/rows.csv",
        "tsv:rows.tsv | tsv:/d/rows.tsv",
        "csv:2024 | csv:/d/2024",
        "delta:t | delta:/d/t",
        "rows.jsonl:2 | /d/rows.jsonl",
        "csv:rows.csv:2 | csv:/d/rows.csv",
        "hdfs://host/a/../b | hdfs://host/a/../b",
        "table:a.b | table:a.b",
        "sql:SELECT './a/../b' | sql:SELECT './a/../b'",
      })
  void pathsOfEveryFormAreComparedFromTheRoot(String written, String name) {
    assertThat(data(written, "/d")).containsExactly(name);
    assertThat(data(name, "/elsewhere")).containsExactly(name);
  }
}
