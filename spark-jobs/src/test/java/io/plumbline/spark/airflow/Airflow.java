package io.plumbline.spark.airflow;

import io.plumbline.Fixtures;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A real Airflow with the Spark provider and a real pyspark, as PLUMBLINE_AIRFLOW names it, with a
 * home and a metadata database of the test's own. Commands run to their end; no scheduler and no
 * server is ever started.
 */
final class Airflow {
  static final Path DAG = Fixtures.root().resolve("deploy/airflow/dags/plumbline_dag.py");
  private static final Duration DEADLINE = Duration.ofMinutes(10);

  record Ended(int status, String log) {}

  private final Path environment;
  private final Path directory;
  private final Map<String, String> variables = new TreeMap<>();

  private Airflow(Path environment, Path directory) {
    this.environment = environment;
    this.directory = directory;
  }

  /** Skips the test where there is no Airflow. */
  static Airflow in(Path directory) throws IOException {
    String environment = System.getenv("PLUMBLINE_AIRFLOW");
    Assumptions.assumeTrue(
        environment != null,
        "PLUMBLINE_AIRFLOW is not set: name a Python environment with Airflow, its Spark provider"
            + " and pyspark");
    Airflow airflow = new Airflow(Path.of(environment), directory);
    Path home = Files.createDirectories(directory.resolve("airflow"));
    airflow
        .with("AIRFLOW_HOME", home.toString())
        .with("AIRFLOW__CORE__DAGS_FOLDER", DAG.getParent().toString())
        .with("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        .with("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:///" + home.resolve("airflow.db"))
        .with("PYTHONDONTWRITEBYTECODE", "1")
        .with("SPARK_HOME", airflow.sparkHome().toString())
        .with("SPARK_LOCAL_IP", "127.0.0.1")
        .withPath(airflow.environment.resolve("bin"))
        .withPath(airflow.sparkHome().resolve("bin"));
    return airflow;
  }

  Airflow with(String variable, String value) {
    variables.put(variable, value);
    return this;
  }

  /** Looks for programs there first. */
  Airflow withPath(Path bin) {
    String before = variables.getOrDefault("PATH", System.getenv("PATH"));
    return with("PATH", bin + File.pathSeparator + before);
  }

  private Path sparkHome() throws IOException {
    try (Stream<Path> versions = Files.list(environment.resolve("lib"))) {
      return versions
          .map(version -> version.resolve("site-packages/pyspark"))
          .filter(pyspark -> Files.exists(pyspark.resolve("bin/spark-submit")))
          .findFirst()
          .orElseThrow(() -> new AssertionError(environment + " has no pyspark"));
    }
  }

  Ended airflow(String... arguments) throws IOException, InterruptedException {
    return run("airflow", arguments);
  }

  Ended python(String... arguments) throws IOException, InterruptedException {
    return run("python", arguments);
  }

  private Ended run(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(environment.resolve("bin").resolve(program).toString());
    command.addAll(List.of(arguments));
    Path log = Files.createTempFile(directory, program, ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(variables);
    Process process = builder.start();
    try {
      if (!process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError(
            "still running after " + DEADLINE + ": " + command + "\n" + Files.readString(log));
      }
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    return new Ended(process.exitValue(), Files.readString(log));
  }
}
