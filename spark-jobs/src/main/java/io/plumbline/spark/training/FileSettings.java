package io.plumbline.spark.training;

import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.source.WeightedSource;
import java.util.List;
import java.util.Optional;

/**
 * What a run reads and where it writes.
 *
 * @param model Hugging Face directory of the policy at the start; the reference as well, where the
 *     algorithm has one
 * @param data files, tables and queries with training rows, each with its weight behind a colon or
 *     none of them with one
 * @param evalData held-out rows; empty for none
 * @param evalSplit how much of the training rows is held out
 * @param columns under which names columns are read, as {@code NAME=COLUMN}
 * @param desirableFrom the least rating of a completion that is good, for labels that are numbers
 * @param output the run's own directory
 * @param referenceCache where reference log-probabilities are kept and shared; by default inside
 *     {@code output}
 */
@Heading("What to read and where to write")
public record FileSettings(
    @Option(
            label = "DIR",
            help = "Hugging Face directory to start from, on any Hadoop path.",
            decidesNothing = "may lie elsewhere: its content is compared")
        String model,
    @Option(
            label = "SOURCE[:WEIGHT]",
            help =
                "JSONL, JSON or Parquet: a file, a directory or a glob on any Hadoop path; or"
                    + " table:NAME, sql:SELECT..., csv:PATH, or a Delta directory. May be repeated."
                    + " A number behind a last colon is a weight, in a query too: with weights, each"
                    + " source has its share of the rows trained on, and one without has 1.",
            neutral = RunOptions.UNWEIGHTED)
        List<String> data,
    @Option(
            label = "SOURCE",
            help = "Held-out rows in the same formats; may be repeated.",
            decidesNothing = "is not trained on")
        List<String> evalData,
    @Option(
            label = "N|SHARE%",
            help =
                "Holds out so many rows of --data, or so large a share, instead of --eval-data; rows"
                    + " of one prompt stay together.")
        Optional<EvalSplit> evalSplit,
    @Option(
            label = "NAME=COLUMN,...",
            help =
                "Reads columns under other names, as in prompt=question,chosen=response_j. A path"
                    + " with dots reads a value within a column, as in"
                    + " answer=reward_model.ground_truth.")
        List<String> columns,
    @Option(
            help =
                "The least rating of a good completion, for labels that are numbers other than 0 and"
                    + " 1.")
        Optional<Double> desirableFrom,
    @Option(
            label = "DIR",
            help =
                "The run's own directory: checkpoint/, checkpoints/, metrics.jsonl, quarantine/,"
                    + " report.html and run.json.",
            decidesNothing = "is the directory itself, which may have moved")
        String output,
    @Option(
            label = "DIR",
            help =
                "Where reference log-probabilities are kept, to be shared by runs and teams. Without"
                    + " it they are kept in --output.",
            decidesNothing = "values are found by content")
        Optional<String> referenceCache) {

  public FileSettings {
    data = List.copyOf(data);
    evalData = List.copyOf(evalData);
    columns = List.copyOf(columns);
  }

  /** These with the names of sources and columns in one spelling. */
  public FileSettings spelled(List<String> sources, List<String> names) {
    return new FileSettings(
        model, sources, evalData, evalSplit, names, desirableFrom, output, referenceCache);
  }

  /** The training sources without their weights. */
  public List<String> sources() {
    return RunOptions.withoutWeights(data);
  }

  /** A weight for each source: its share of the rows trained on; empty where none has one. */
  public List<Double> weights() {
    return sources().equals(data)
        ? List.of()
        : data.stream()
            .map(source -> Double.valueOf(WeightedSource.of(source).weight().orElseThrow()))
            .toList();
  }

  /** Whether anything is held out. */
  public boolean evaluated() {
    return !evalData.isEmpty() || evalSplit.isPresent();
  }
}
