package io.plumbline.spark.cli.options;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.cli.Layers;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.tracking.TrackingSettings.Artifacts;
import io.plumbline.spark.tracking.TrackingSettings.Credentials;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Where a run is tracked, by options and by MLflow's own variables. */
class TrackingOptionsTest {
  private final Problems problems = new Problems();

  private Optional<TrackingSettings> settings(Map<String, String> environment, String... args) {
    return TrackingOptions.settings(
        Layers.values(new TrainCommand(DpoAlgorithm.DPO), problems, args),
        "runs/dpo-1/",
        environment,
        problems);
  }

  @Test
  void nothingIsTrackedWithoutAServer() {
    assertThat(settings(Map.of("MLFLOW_TRACKING_TOKEN", "hush"))).isEmpty();
    assertThat(problems.sentences()).isEmpty();
  }

  @Test
  void optionsWinOverVariablesAndTheRestHasDefaults() {
    Map<String, String> environment =
        Map.of(
            "MLFLOW_TRACKING_URI", "http://of-variables:5000/",
            "MLFLOW_EXPERIMENT_NAME", "of-variables",
            "MLFLOW_TRACKING_TOKEN", "hush",
            "MLFLOW_RUN_ID", "parent");

    assertThat(settings(environment))
        .contains(
            new TrackingSettings(
                "http://of-variables:5000",
                new Credentials("", "", "", "hush"),
                "of-variables",
                "dpo-1",
                Optional.empty(),
                Artifacts.RECORDS,
                Optional.of("parent")));
    assertThat(
            settings(
                environment,
                "--mlflow-uri https://h/prefix --mlflow-experiment e --mlflow-run r".split(" ")))
        .get()
        .satisfies(
            given -> {
              assertThat(given.uri()).isEqualTo("https://h/prefix");
              assertThat(given.experiment()).isEqualTo("e");
              assertThat(given.run()).isEqualTo("r");
            });
    assertThat(settings(Map.of(), "--mlflow-uri", "http://h").orElseThrow().experiment())
        .isEqualTo("plumbline");
    assertThat(problems.sentences()).isEmpty();
  }

  @Test
  void credentialsOfAnAddressAreKeptOutOfEverythingThatIsWritten() {
    String[] args = {
      "--model", "m", "--data", "d", "--output", "o", "--mlflow-uri", "http://ada:p%40ss+@h:5000"
    };
    TrackingSettings settings = settings(Map.of("MLFLOW_TRACKING_TOKEN", "other"), args).get();

    assertThat(settings.uri()).isEqualTo("http://h:5000");
    assertThat(settings.credentials()).isEqualTo(new Credentials("", "ada", "p@ss+", ""));
    assertThat(settings.toString()).doesNotContain("p@ss").doesNotContain("ada");
    var request =
        TrainingSettings.request(
            DpoAlgorithm.DPO,
            Layers.values(new TrainCommand(DpoAlgorithm.DPO), problems, args),
            problems);
    assertThat(request.toString()).doesNotContain("p%40ss").doesNotContain("p@ss");
    assertThat(request.options()).containsEntry("mlflow-uri", "http://h:5000");
    assertThat(request.options().toString()).doesNotContain("p@ss").doesNotContain("p%40ss");
    assertThat(problems.sentences()).isEmpty();
  }

  @Test
  void databricksTakesItsOwnVariablesAndAPathForTheExperiment() {
    Map<String, String> environment =
        Map.of("DATABRICKS_HOST", "https://w.example/", "DATABRICKS_TOKEN", "hush");

    TrackingSettings settings =
        settings(environment, "--mlflow-uri databricks --mlflow-experiment /Shared/x".split(" "))
            .orElseThrow();

    assertThat(settings.credentials())
        .isEqualTo(new Credentials("https://w.example", "", "", "hush"));
    assertThat(problems.sentences()).isEmpty();
    assertThat(settings(Map.of(), "--mlflow-uri", "databricks")).isPresent();
    assertThat(problems.sentences())
        .singleElement()
        .asString()
        .startsWith("--mlflow-experiment must be a path in the workspace for databricks");
  }

  @Test
  void whatMakesNoSenseIsTold() {
    settings(Map.of(), "--mlflow-model", "m", "--mlflow-artifacts", "checkpoint");
    settings(Map.of(), "--mlflow-uri", "sqlite:///x");
    settings(Map.of("MLFLOW_TRACKING_URI", "http://a:hush@b@c"));

    assertThat(problems.sentences())
        .containsExactly(
            "--mlflow-model does nothing without a server: name one by --mlflow-uri, or leave it"
                + " out.",
            "--mlflow-artifacts does nothing without a server: name one by --mlflow-uri, or leave"
                + " it out.",
            "--mlflow-uri is 'sqlite:///x' and must be an MLflow server's address, such as"
                + " http://HOST:5000, or databricks.",
            "MLFLOW_TRACKING_URI is '***' and must be an MLflow server's address, such as"
                + " http://HOST:5000, or databricks.");
  }
}
