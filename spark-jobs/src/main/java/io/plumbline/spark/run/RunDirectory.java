package io.plumbline.spark.run;

import io.plumbline.storage.Storage;
import java.io.Serializable;

/**
 * Where a run keeps what it makes.
 *
 * @param root the run's output directory, on any Hadoop path
 */
public record RunDirectory(String root) implements Serializable {
  /** The result, a Hugging Face directory. */
  public String checkpoint() {
    return in("checkpoint");
  }

  /** The critic that a policy was trained beside, as a reward model's directory. */
  public String critic() {
    return in("critic");
  }

  /** Training states, a directory each. */
  public String states() {
    return in("checkpoints");
  }

  /** Metrics, one JSON object a line. */
  public String metrics() {
    return in("metrics.jsonl");
  }

  /** The adapter that the run goes on with, beside the path of the model that it is on. */
  public String start() {
    return in("start");
  }

  /** Rollouts, Parquet. */
  public String ledger() {
    return in("ledger");
  }

  public String report() {
    return in("report.html");
  }

  /** Provenance. */
  public String runRecord() {
    return in("run.json");
  }

  /** Answers of the policy to held-out prompts, before the first update and after the last. */
  public String samples(String moment) {
    return in("samples-" + moment + ".json");
  }

  public String shards(String split) {
    return in("shards-" + split);
  }

  /** What this run reads if no shared cache is named. */
  public String referenceCache() {
    return in("reference-cache");
  }

  private String in(String name) {
    return Storage.join(root, name);
  }
}
