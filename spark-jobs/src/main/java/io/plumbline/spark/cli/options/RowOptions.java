package io.plumbline.spark.cli.options;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.ColumnNames;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.LossOn;
import io.plumbline.data.RowReading;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.source.WeightedSource;
import io.plumbline.spark.training.TrainingRows;
import io.plumbline.spark.training.TrainingRows.SourceReading;
import io.plumbline.spark.training.algorithm.RowForm;
import io.plumbline.spark.training.algorithm.RowForm.Completions;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * What the options say about rows: where they come from and how they are cut. Training commands,
 * prepare and reference read it here, so that the same options mean the same rows.
 *
 * @param data sources without their weights
 * @param weights a weight for each source; empty where none has one
 * @param evalData held-out sources
 * @param columns under which names columns are read
 * @param desirableFrom the least rating of a good completion; empty where labels say it
 */
public record RowOptions(
    List<String> data,
    List<Double> weights,
    List<String> evalData,
    Optional<EvalSplit> evalSplit,
    OptionalInt maxLength,
    OptionalInt maxPromptLength,
    Truncation truncation,
    CountOrShare badRows,
    ColumnNames columns,
    Optional<Double> desirableFrom) {
  public static RowOptions of(SettingValues values, Problems problems) {
    return of(
        values,
        values.of(TrainingSettings.MAX_LENGTH),
        ColumnOptions.namesOfFormats(values, problems),
        problems);
  }

  /** Of rows that are prompts: what is written to them has a limit of its own. */
  static RowOptions ofPrompts(SettingValues values, Problems problems) {
    return of(values, OptionalInt.empty(), ColumnOptions.names(values, problems), problems);
  }

  private static RowOptions of(
      SettingValues values, OptionalInt maxLength, ColumnNames columns, Problems problems) {
    List<String> data = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    boolean weighted = false;
    for (String text : values.all(TrainingSettings.DATA)) {
      WeightedSource source = WeightedSource.of(text);
      double weight = source.weight().map(Double::parseDouble).orElse(1.0);
      if (!(weight > 0) || Double.isInfinite(weight)) {
        problems.add(
            String.format(
                "--data is '%s', and the weight behind its colon must be a number above 0: give"
                    + " one, or leave the source out.",
                text));
      }
      data.add(source.source());
      weights.add(weight);
      weighted |= source.weight().isPresent();
    }
    if (!values.has(TrainingSettings.DATA)) {
      problems.add(
          "--data is missing: name a file, a directory, a glob, a table or a query of training"
              + " rows.");
    }
    List<String> evalData = values.all(TrainingSettings.EVAL_DATA);
    for (String text : evalData) {
      if (WeightedSource.of(text).weight().isPresent()) {
        problems.add(
            String.format(
                "--eval-data is '%s', and held-out rows have no weights: leave out the part from"
                    + " the last colon on.",
                text));
      }
    }
    Optional<EvalSplit> evalSplit = values.find(TrainingSettings.EVAL_SPLIT);
    if (values.has(TrainingSettings.EVAL_SPLIT) && values.has(TrainingSettings.EVAL_DATA)) {
      problems.add(
          "--eval-data names held-out rows and --eval-split takes them from --data: give one.");
    }
    OptionalInt maxPromptLength = values.of(TrainingSettings.MAX_PROMPT_LENGTH);
    if (maxLength.isPresent()
        && maxPromptLength.isPresent()
        && maxPromptLength.getAsInt() >= maxLength.getAsInt()) {
      problems.add(
          String.format(
              "--max-prompt-length is %d and leaves nothing of --max-length %d to the completion:"
                  + " take a smaller one.",
              maxPromptLength.getAsInt(), maxLength.getAsInt()));
    }
    if (maxLength.isEmpty() && values.has(TrainingSettings.TRUNCATION_MODE)) {
      problems.add(
          "--truncation-mode is about rows past --max-length, which is none: leave it out, or give"
              + " a length.");
    }
    return new RowOptions(
        data,
        weighted ? weights : List.of(),
        evalData,
        evalSplit,
        maxLength,
        maxPromptLength,
        values.of(TrainingSettings.TRUNCATION_MODE),
        values.of(TrainingSettings.MAX_BAD_ROWS),
        columns,
        values.find(ColumnOptions.DESIRABLE_FROM));
  }

  /** Whether anything is held out. */
  boolean evaluated() {
    return !evalData.isEmpty() || evalSplit.isPresent();
  }

  /** The sources with their weights, in one spelling. */
  List<String> spelledData() {
    return weights.isEmpty()
        ? data
        : IntStream.range(0, data.size())
            .mapToObj(i -> data.get(i) + ":" + weights.get(i))
            .toList();
  }

  /** The packing that is asked for. */
  public Packing packing(SettingValues values, Problems problems) {
    Packing packing = values.of(TrainingSettings.PACKING);
    if (packing != Packing.OFF && maxLength.isEmpty()) {
      problems.add("--packing fills rows up to --max-length, which is none: give a number.");
    }
    return packing;
  }

  /** The rows that these options make, the way that a training command makes them. */
  public TrainingRows.Settings rows(
      ExampleKind kind,
      LossOn lossOn,
      Packing packing,
      long seed,
      String output,
      SourceReading sources) {
    return new TrainingRows.Settings(
        new RowReading(kind, columns, desirableFrom.orElse(Double.NaN)),
        new RowForm(
            kind == ExampleKind.UNPAIRED ? Completions.MISMATCHED : Completions.OWN,
            lossOn,
            packing),
        new TrainingRows.Sources(data, weights, evalData, evalSplit, sources),
        new LengthLimits(maxLength.orElse(0), maxPromptLength.orElse(0), truncation),
        badRows,
        seed,
        output);
  }
}
