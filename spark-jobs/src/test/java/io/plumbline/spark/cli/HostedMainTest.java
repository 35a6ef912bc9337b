package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.spark.reference.LocalSpark;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program inside a process with a session of its own, as a JAR task of Databricks runs it: the
 * process and its session continue, whatever the command comes to.
 */
class HostedMainTest {
  @TempDir Path directory;

  @Test
  void aCommandUsesTheSessionThatIsThereAndLeavesIt() throws Exception {
    SparkSession spark = LocalSpark.session();
    Path model = Files.createDirectory(directory.resolve("model"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    spark
        .read()
        .json(Fixtures.golden("traj/preference.jsonl").toString())
        .createOrReplaceTempView("hosted_pairs");
    PrintStream before = System.out;
    ByteArrayOutputStream heard = new ByteArrayOutputStream();
    PrintStream host = new PrintStream(heard, true, StandardCharsets.UTF_8);
    System.setOut(host);
    try {
      // Ending the process here would end the tests.
      Plumbline.main(
          new String[] {
            "prepare",
            "--model",
            model.toString(),
            "--data",
            "table:hosted_pairs",
            "--output",
            directory.resolve("out").toString()
          });
      assertThat(System.out).as("the host's own stream").isSameAs(host);
      assertThat(heard.toString(StandardCharsets.UTF_8)).contains("prepared");
    } finally {
      System.setOut(before);
    }
    assertThat(directory.resolve("out/prepared")).exists();

    assertThatThrownBy(
            () -> Plumbline.main(new String[] {"prepare", "--model", model.toString(), "--ranks"}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("plumbline prepare: ")
        .hasMessageContaining("--data is missing");
    assertThatThrownBy(() -> Plumbline.main(new String[] {"prepear"}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("plumbline ended with status 2");
    assertThat(spark.range(3).count()).isEqualTo(3);
    assertThat(spark.sparkContext().isStopped()).isFalse();
  }
}
