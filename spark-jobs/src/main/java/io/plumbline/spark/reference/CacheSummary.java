package io.plumbline.spark.reference;

import java.util.List;

/**
 * What a reference cache holds.
 *
 * @param references the models whose values are kept, by fingerprint
 */
public record CacheSummary(String directory, List<Reference> references) {
  /**
   * One reference model in one compute type.
   *
   * @param model path of the model when its values were first computed; information only
   * @param rows cached rows; a row that two runs computed at once counts twice
   * @param bytes length of all part files
   * @param created ISO 8601 instant
   */
  public record Reference(
      String fingerprint,
      String model,
      String modelFingerprint,
      String computeDtype,
      String created,
      long rows,
      long parts,
      long bytes) {}

  public CacheSummary {
    references = List.copyOf(references);
  }

  /** Rows of all references. */
  public long rows() {
    return references.stream().mapToLong(Reference::rows).sum();
  }
}
