package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One rule for what of a value of --data is a weight. */
class WeightedSourceTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rows.jsonl | rows.jsonl |",
        "rows.jsonl:2 | rows.jsonl | 2",
        "rows.jsonl: 0.5 | rows.jsonl | 0.5",
        "rows.jsonl:-1 | rows.jsonl | -1",
        "rows.jsonl:1e-3 | rows.jsonl | 1e-3",
        "table:a.b.c | table:a.b.c |",
        "table:a.b.c:2 | table:a.b.c | 2",
        "table:2024 | table:2024 |",
        "table:2024:3 | table:2024 | 3",
        "csv:2024 | csv:2024 |",
        "csv:2024:3 | csv:2024 | 3",
        "tsv:7.5 | tsv:7.5 |",
        "delta:2024 | delta:2024 |",
        "delta:2024:2 | delta:2024 | 2",
        "csv{\"sep\":\";\"}:2024 | csv{\"sep\":\";\"}:2024 |",
        "csv{\"sep\":\":\"}:a/b.csv:2 | csv{\"sep\":\":\"}:a/b.csv | 2",
        "sql:SELECT * FROM t LIMIT 10 | sql:SELECT * FROM t LIMIT 10 |",
        "sql:SELECT * FROM t LIMIT 10:2 | sql:SELECT * FROM t LIMIT 10 | 2",
        "hdfs://host:8020 | hdfs://host:8020 |",
        "hdfs://host:8020/a:2 | hdfs://host:8020/a | 2",
        "csv:hdfs://host:8020 | csv:hdfs://host:8020 |",
        "delta:hdfs://host:8020 | delta:hdfs://host:8020 |",
      })
  void aNumberBehindTheLastColonIsAWeightUnlessItIsTheName(
      String text, String source, String weight) {
    WeightedSource read = WeightedSource.of(text);

    assertThat(read.source()).isEqualTo(source);
    assertThat(read.weight().orElse(null)).isEqualTo(weight);
  }

  @Test
  void aQueryOfSeveralLinesHasItsWeightToo() {
    WeightedSource read = WeightedSource.of("sql:SELECT *\nFROM t:2");

    assertThat(read.source()).isEqualTo("sql:SELECT *\nFROM t");
    assertThat(read.weight()).contains("2");
  }
}
