package io.plumbline.spark.tracking;

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
public record TrackingSettings(
    String uri,
    Credentials credentials,
    String experiment,
    String run,
    Optional<String> model,
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
