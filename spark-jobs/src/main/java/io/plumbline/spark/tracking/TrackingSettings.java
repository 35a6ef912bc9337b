package io.plumbline.spark.tracking;

import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import java.util.Optional;

/**
 * Where a run is tracked besides its own directory, and what goes there.
 *
 * @param uri an MLflow server's address, without credentials, or {@code databricks}
 * @param experiment the experiment's name; made where it is not there
 * @param run the name that people see of the run
 * @param model a model of the registry that gets a version of the result; empty for none
 * @param parent the MLflow run that this one is a part of
 */
@Heading("Tracking")
public record TrackingSettings(
    @Option(
            name = "mlflow-uri",
            label = "URI",
            help =
                "An MLflow server that hears of the run: http://HOST:PORT, or databricks. Without it,"
                    + " MLFLOW_TRACKING_URI. A server that is down changes nothing for the run.",
            decidesNothing = "who hears of the run")
        String uri,
    Credentials credentials,
    @Option(
            name = "mlflow-experiment",
            label = "NAME",
            help =
                "The experiment there, made if there is none. Without it, MLFLOW_EXPERIMENT_NAME, or"
                    + " plumbline.",
            decidesNothing = "who hears of the run")
        String experiment,
    @Option(
            name = "mlflow-run",
            label = "NAME",
            help = "What the run is called there. Without it, the last part of --output.",
            decidesNothing = "who hears of the run")
        String run,
    @Option(
            name = "mlflow-model",
            label = "NAME",
            help =
                "A model of the registry there, which gets the checkpoint as a version with its"
                    + " lineage.",
            decidesNothing = "who hears of the run")
        Optional<String> model,
    @Option(
            name = "mlflow-artifacts",
            help =
                "What is copied there: run.json, metrics.jsonl and report.html, or checkpoint/ as"
                    + " well; with --mlflow-model a checkpoint on a local path always is.",
            standard = "records",
            decidesNothing = "who hears of the run")
        Artifacts artifacts,
    Optional<String> parent) {
  /** Which files go to the server. */
  public enum Artifacts {
    /** run.json, metrics.jsonl and report.html. */
    RECORDS,
    /** The records and checkpoint/. */
    CHECKPOINT
  }

  /**
   * What opens a server; each part may be empty. Never printed or written to a file.
   *
   * @param host where the server is, if {@code uri} does not say it
   */
  public record Credentials(String host, String user, String password, String token) {
    public static final Credentials NONE = new Credentials("", "", "", "");

    /** Says only whether there are any. */
    @Override
    public String toString() {
      return equals(NONE) ? "none" : "***";
    }
  }
}
