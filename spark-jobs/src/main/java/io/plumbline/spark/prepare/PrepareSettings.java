package io.plumbline.spark.prepare;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.LossOn;
import io.plumbline.data.RowReading;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;

/**
 * What to prepare and how.
 *
 * @param name what the rows are for, such as {@code train} or {@code eval}: lets several data sets
 *     live in one output directory; letters, digits and dashes
 * @param paths files, directories and globs, read in this order
 * @param reading what the rows are to become, and how they are read
 * @param lossOn which tokens of supervised rows are learned
 * @param limits how long rows may be
 * @param badRows how many rows may be refused
 * @param output the run's output directory; prepared rows go to {@code prepared/} and refused rows
 *     to {@code quarantine/} below it
 * @param splitBytes large files are read by several tasks, about so many bytes each; 0 to choose by
 *     the size of the data
 */
public record PrepareSettings(
    String name,
    List<String> paths,
    RowReading reading,
    LossOn lossOn,
    LengthLimits limits,
    CountOrShare badRows,
    String output,
    long splitBytes)
    implements Serializable {
  public PrepareSettings {
    paths = List.copyOf(paths);
    ExampleKind kind = reading.kind();
    if (!name.matches("[A-Za-z0-9-]+")) {
      throw new IllegalArgumentException("the name " + name);
    }
    if (lossOn != LossOn.COMPLETION
        && (kind == ExampleKind.PREFERENCE
            || kind == ExampleKind.UNPAIRED
            || kind == ExampleKind.PROMPT)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--loss-on "
              + lossOn.name().toLowerCase(Locale.ROOT)
              + " is for sft; pairs and labelled rows compare completions, and prompts have none,"
              + " so leave it out");
    }
  }

  /** What the rows are for: of a directory with several splits, another one is read. */
  public DataFiles.Purpose purpose() {
    return purposeOf(name);
  }

  /** What rows of such a name are for. */
  public static DataFiles.Purpose purposeOf(String name) {
    return name.equals("eval") ? DataFiles.Purpose.HELD_OUT : DataFiles.Purpose.TRAINING;
  }

  /** Settings for a data set named {@code train} whose completions are learned, at any length. */
  public static PrepareSettings of(List<String> paths, ExampleKind kind, String output) {
    return new PrepareSettings(
        "train",
        paths,
        RowReading.of(kind),
        LossOn.COMPLETION,
        LengthLimits.none(),
        CountOrShare.ofShare(0.05),
        output,
        0);
  }

  /** What the rows are to become. */
  public ExampleKind kind() {
    return reading.kind();
  }

  public PrepareSettings withReading(RowReading other) {
    return new PrepareSettings(name, paths, other, lossOn, limits, badRows, output, splitBytes);
  }

  public PrepareSettings named(String newName) {
    return new PrepareSettings(
        newName, paths, reading, lossOn, limits, badRows, output, splitBytes);
  }

  public PrepareSettings withLossOn(LossOn tokens) {
    return new PrepareSettings(name, paths, reading, tokens, limits, badRows, output, splitBytes);
  }

  public PrepareSettings withLimits(LengthLimits newLimits) {
    return new PrepareSettings(
        name, paths, reading, lossOn, newLimits, badRows, output, splitBytes);
  }

  public PrepareSettings withBadRows(CountOrShare limit) {
    return new PrepareSettings(name, paths, reading, lossOn, limits, limit, output, splitBytes);
  }
}
