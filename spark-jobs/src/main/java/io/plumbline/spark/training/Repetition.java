package io.plumbline.spark.training;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.progress.ProgressListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run that repeats another is held to: the fingerprints of what went in.
 *
 * @param of where the other's record was read
 * @param record of the run that is repeated
 */
public record Repetition(String of, RunRecord record, Changes changes) {
  /** What follows where something that went in is not what it was. */
  public enum Changes {
    REFUSED,
    /** The run continues, and says it. */
    ALLOWED
  }

  private static final Map<String, String> WORDS =
      Map.of(
          "model", "The model",
          "data.train", "The training data",
          "rows.train", "What training rows are made of the data",
          "data.eval", "The held-out data",
          "data.ptx", "The pretraining data",
          "critic", "The model that the critic starts from",
          "chat-template", "The chat template of --chat-template",
          "reference", "The reference model");

  /** Whether bits of a result can be compared with the other's. */
  public enum Comparison {
    SAME_BITS,
    OTHER_BITS,
    /** One of the two did not come to a checkpoint. */
    NONE
  }

  /**
   * Compares an input with what it was.
   *
   * @throws PlumblineException BAD_DATA where it has changed and must not have
   */
  void check(String name, String fingerprint, ProgressListener progress) {
    Optional<String> before = record.fingerprint(name);
    if (before.isEmpty() || before.get().equals(fingerprint)) {
      return;
    }
    String changed =
        String.format(
            "%s is not what it was in %s: its fingerprint was %s and is %s",
            WORDS.getOrDefault(name, "What " + name + " reads"),
            of,
            start(before.get()),
            start(fingerprint));
    if (changes == Changes.REFUSED) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          changed + "; bring back what it was, or continue with what it is by --allow-changes.");
    }
    progress.note(changed + ".");
  }

  /** What differs of versions and machine, for which the last bits may differ; one sentence. */
  Optional<String> difference(RunRecord now) {
    List<String> differences = new ArrayList<>();
    differences(record.versions(), now.versions(), differences);
    differences(record.environment(), now.environment(), differences);
    return differences.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "The last bits may differ from those of %s, because %s."
                .formatted(of, String.join(", ", differences)));
  }

  private static void differences(
      Map<String, String> before, Map<String, String> now, List<String> into) {
    before.forEach(
        (name, was) -> {
          String is = now.getOrDefault(name, "unknown");
          if (!is.equals(was)) {
            into.add("%s was %s and is %s".formatted(name.replace('_', ' '), was, is));
          }
        });
  }

  /** Compares what the two runs came to. */
  public Comparison compare(RunRecord now) {
    Optional<String> before = record.fingerprint("checkpoint");
    Optional<String> after = now.fingerprint("checkpoint");
    if (before.isEmpty() || after.isEmpty()) {
      return Comparison.NONE;
    }
    return before.equals(after) ? Comparison.SAME_BITS : Comparison.OTHER_BITS;
  }

  private static String start(String fingerprint) {
    return fingerprint.substring(0, Math.min(12, fingerprint.length()));
  }
}
