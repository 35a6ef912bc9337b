package io.plumbline.spark.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * All that a report shows. Texts are plain text: the page shows them letter by letter, whatever is
 * in them. Maps keep their order.
 *
 * @param title what ran, such as {@code DPO on preferences/train.jsonl}
 * @param verdict one sentence on what the run achieved; empty, and the page derives one from the
 *     comparisons
 * @param comparisons measures on held-out data before and after, the most telling first
 * @param stages the stages of training that wrote metrics, in the order in which they ran
 * @param samples the same prompts answered before and after
 * @param counts what was counted: rows read, reference rows computed and found, tokens
 * @param quarantine rows refused, by reason
 * @param configuration the options as the run resolved them
 * @param provenance fingerprints, versions, seed, paths
 * @param timings seconds by phase, in the order in which they ran
 */
public record ReportData(
    String title,
    String verdict,
    List<Comparison> comparisons,
    List<Stage> stages,
    List<Sample> samples,
    Map<String, Long> counts,
    List<Refusal> quarantine,
    Map<String, String> configuration,
    Map<String, String> provenance,
    Map<String, Double> timings) {

  public ReportData {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(verdict, "verdict");
    comparisons = List.copyOf(comparisons);
    stages = List.copyOf(stages);
    samples = List.copyOf(samples);
    counts = orderedCopy(counts);
    quarantine = List.copyOf(quarantine);
    configuration = orderedCopy(configuration);
    provenance = orderedCopy(provenance);
    timings = orderedCopy(timings);
  }

  /** Which way a measure should go. */
  public enum Better {
    HIGHER,
    LOWER,
    /** A measure to look at, neither good nor bad in itself. */
    NEITHER
  }

  /** One measure on held-out data before and after; either may be NaN where it was not taken. */
  public record Comparison(
      String metric, String meaning, double before, double after, Better better) {
    public Comparison {
      Objects.requireNonNull(metric, "metric");
      Objects.requireNonNull(meaning, "meaning");
      Objects.requireNonNull(better, "better");
    }
  }

  /**
   * A stage of training with its metrics.
   *
   * @param steps the metrics of each step by name, with its number, as {@link MetricsFile} reads
   *     them
   */
  public record Stage(String name, List<Map<String, Double>> steps) {
    public Stage {
      Objects.requireNonNull(name, "name");
      steps = steps.stream().map(ReportData::orderedCopy).toList();
    }
  }

  /** One prompt with what the model said before and after, and the pair's sides if there are. */
  public record Sample(
      String prompt,
      String before,
      String after,
      Optional<String> chosen,
      Optional<String> rejected) {
    public Sample {
      Objects.requireNonNull(prompt, "prompt");
      Objects.requireNonNull(before, "before");
      Objects.requireNonNull(after, "after");
      Objects.requireNonNull(chosen, "chosen");
      Objects.requireNonNull(rejected, "rejected");
    }
  }

  /** How many rows were refused for one reason, and where the first of them stands. */
  public record Refusal(String reason, long rows, String firstPlace) {
    public Refusal {
      Objects.requireNonNull(reason, "reason");
      Objects.requireNonNull(firstPlace, "firstPlace");
    }
  }

  /** Starts an empty report; everything but the title may stay empty. */
  public static Builder titled(String title) {
    return new Builder(title);
  }

  private static <V> Map<String, V> orderedCopy(Map<String, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }

  /** Gathers a report piece by piece, in the order in which the pieces shall stand. */
  public static final class Builder {
    private final String title;
    private String verdict = "";
    private final List<Comparison> comparisons = new ArrayList<>();
    private final List<Stage> stages = new ArrayList<>();
    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final List<Refusal> quarantine = new ArrayList<>();
    private final Map<String, String> configuration = new LinkedHashMap<>();
    private final Map<String, String> provenance = new LinkedHashMap<>();
    private final Map<String, Double> timings = new LinkedHashMap<>();

    private Builder(String title) {
      this.title = title;
    }

    public Builder verdict(String sentence) {
      verdict = sentence;
      return this;
    }

    public Builder comparison(
        String metric, String meaning, double before, double after, Better better) {
      comparisons.add(new Comparison(metric, meaning, before, after, better));
      return this;
    }

    public Builder stage(String name, List<Map<String, Double>> steps) {
      stages.add(new Stage(name, steps));
      return this;
    }

    public Builder sample(String prompt, String before, String after) {
      samples.add(new Sample(prompt, before, after, Optional.empty(), Optional.empty()));
      return this;
    }

    public Builder sample(
        String prompt, String before, String after, String chosen, String rejected) {
      samples.add(new Sample(prompt, before, after, Optional.of(chosen), Optional.of(rejected)));
      return this;
    }

    public Builder count(String name, long value) {
      counts.put(name, value);
      return this;
    }

    public Builder refusal(String reason, long rows, String firstPlace) {
      quarantine.add(new Refusal(reason, rows, firstPlace));
      return this;
    }

    public Builder configuration(String option, Object value) {
      configuration.put(option, String.valueOf(value));
      return this;
    }

    public Builder provenance(String name, Object value) {
      provenance.put(name, String.valueOf(value));
      return this;
    }

    public Builder timing(String phase, double seconds) {
      timings.put(phase, seconds);
      return this;
    }

    public ReportData build() {
      return new ReportData(
          title,
          verdict,
          comparisons,
          stages,
          samples,
          counts,
          quarantine,
          configuration,
          provenance,
          timings);
    }
  }
}
