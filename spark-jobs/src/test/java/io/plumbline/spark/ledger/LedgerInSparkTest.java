package io.plumbline.spark.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.model.Generation.Finish;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.rollout.ledger.LedgerRows;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Spark SQL sees of a ledger. */
class LedgerInSparkTest {
  @TempDir Path parent;

  private static SparkSession spark;
  private final Storage storage = Storage.local();

  @BeforeAll
  static void startSpark() {
    spark = LocalSpark.session();
  }

  private String directory() {
    return parent.resolve("ledger").toString();
  }

  private Dataset<Row> sql(String select) {
    return spark.sql(select.replace("ledger", "parquet.`" + directory() + "`"));
  }

  private void write(long step, LedgerRow... rows) {
    try (Collective alone = LocalRings.create(1).get(0)) {
      Ledger.in(storage, directory()).write(step, List.of(rows), alone);
    }
  }

  @Test
  void columnsHaveTheTypesThatAreDocumented() {
    write(1, LedgerRows.full(1, 0, 0, 0));

    assertThat(sql("SELECT * FROM ledger").schema().toDDL())
        .isEqualTo(
            "step BIGINT,phase BIGINT,rank INT,prompt_index BIGINT,slot INT,sample INT,"
                + "prompt STRING,completion STRING,prompt_tokens INT,completion_tokens INT,"
                + "tokens ARRAY<INT>,logps ARRAY<FLOAT>,reference_logps ARRAY<FLOAT>,"
                + "reward DOUBLE,rewards MAP<STRING, DOUBLE>,costs MAP<STRING, DOUBLE>,"
                + "advantage DOUBLE,token_advantages ARRAY<DOUBLE>,truncated BOOLEAN,"
                + "finish STRING,policy_version BIGINT,failure STRING");
  }

  @Test
  void valuesAndNullsArriveAsWritten() {
    LedgerRow none =
        new LedgerRow(
            3,
            1,
            0,
            7,
            1,
            0,
            "",
            "",
            0,
            new int[0],
            new float[0],
            Optional.empty(),
            OptionalDouble.empty(),
            Map.of(),
            Map.of(),
            OptionalDouble.empty(),
            Optional.empty(),
            Finish.LENGTH,
            2,
            Optional.empty());
    write(3, LedgerRows.row(3, 0, 0, 2, "Say é", "Well", 3, 0.5), none);

    List<Row> rows = sql("SELECT * FROM ledger ORDER BY slot").collectAsList();
    Row full = rows.get(0);
    assertThat(full.<String>getAs("prompt")).isEqualTo("Say é");
    assertThat(full.<Integer>getAs("completion_tokens")).isEqualTo(3);
    assertThat(full.<Object>getList(full.fieldIndex("tokens"))).containsExactly(7, 8, 9);
    assertThat(full.<Object>getList(full.fieldIndex("logps"))).containsExactly(-1f, -1f, -1f);
    assertThat(full.<Object>getList(full.fieldIndex("token_advantages")))
        .containsExactly(0.0, 1 / 3.0, 2 / 3.0);
    Map<String, Double> rewards = full.getJavaMap(full.fieldIndex("rewards"));
    assertThat(rewards).hasSize(2).containsEntry("answer", 0.5).containsEntry("absent", null);
    assertThat(full.<Boolean>getAs("truncated")).isFalse();
    assertThat(full.<String>getAs("finish")).isEqualTo("eos");
    Row empty = rows.get(1);
    for (String column :
        List.of("reference_logps", "reward", "advantage", "token_advantages", "failure")) {
      assertThat(empty.<Object>getAs(column)).as(column).isNull();
    }
    assertThat(empty.<Object>getList(empty.fieldIndex("tokens"))).isEmpty();
    assertThat(empty.getJavaMap(empty.fieldIndex("rewards"))).isEmpty();
    assertThat(empty.<Boolean>getAs("truncated")).isTrue();
    assertThat(
            sql("SELECT avg(rewards['answer']), avg(rewards['absent']), avg(costs['length']) FROM"
                    + " ledger")
                .first())
        .isEqualTo(org.apache.spark.sql.RowFactory.create(0.5, null, 3.0));
  }

  @Test
  void whatIsNotFinishedCannotBeSeen() throws Exception {
    write(1, LedgerRows.full(1, 0, 0, 0));
    byte[] whole = Files.readAllBytes(Path.of(directory(), "step-00000001.parquet"));
    storage.writeBytes(directory() + "/_parts/step-00000002/rank-00000.parquet", whole);
    Files.write(Path.of(directory(), ".step-00000002.parquet.5f0c"), new byte[100]);

    assertThat(sql("SELECT count(*) FROM ledger").first().getLong(0)).isEqualTo(1);
  }

  @Test
  void aKilledWriterLeavesWholeStepsOnly() throws Exception {
    Path log = parent.resolve("writer.log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                LedgerWriter.class.getName(),
                directory())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
      while (Ledger.in(storage, directory()).steps().size() < 5) {
        assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
        assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
        Thread.sleep(7);
      }
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();

    List<Row> steps =
        sql("SELECT step, count(*), count(DISTINCT slot), sum(size(logps)) FROM ledger GROUP BY 1"
                + " ORDER BY 1")
            .collectAsList();
    assertThat(steps).hasSizeGreaterThanOrEqualTo(5);
    for (int i = 0; i < steps.size(); i++) {
      Row step = steps.get(i);
      assertThat(step.getLong(0)).isEqualTo(i + 1);
      assertThat(step.getLong(1)).isEqualTo(LedgerWriter.ROWS);
      assertThat(step.getLong(2)).isEqualTo(LedgerWriter.ROWS);
      assertThat(step.getLong(3)).isEqualTo(200L * LedgerWriter.ROWS);
    }
    // And the run that continues cleans up.
    Ledger.in(storage, directory()).truncateAfter(2);
    assertThat(new java.io.File(directory()).list())
        .containsExactlyInAnyOrder("step-00000001.parquet", "step-00000002.parquet");
  }
}
