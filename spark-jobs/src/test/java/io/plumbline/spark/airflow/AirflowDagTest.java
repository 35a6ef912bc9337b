package io.plumbline.spark.airflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The DAG file by itself. */
class AirflowDagTest {
  @TempDir Path directory;

  @Test
  void itIsImportedWithoutAWarningAndItsParametersAreChecked() throws Exception {
    Airflow.Ended checked =
        Airflow.in(directory)
            .python(
                Fixtures.root().resolve("fixtures/scripts/check_airflow_dag.py").toString(),
                Airflow.DAG.toString());

    assertThat(checked.status()).as(checked.log()).isZero();
    assertThat(checked.log()).containsPattern("checked [0-9]+ parameters");
  }
}
