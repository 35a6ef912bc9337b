package io.plumbline.spark.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * All that a report shows. Texts are plain text: the page shows them letter by letter, whatever is
 * in them. Maps keep their order.
 *
 * @param title what ran, such as {@code DPO on preferences/train.jsonl}
 * @param verdict sentences on what the run achieved
 * @param warnings sentences on the data that a reader must not miss
 * @param configuration the options as the run resolved them
 * @param provenance fingerprints, versions, seed, paths
 * @param timings seconds by phase, in the order in which they ran
 */
public record ReportData(
    String title,
    String verdict,
    List<String> warnings,
    Measured measured,
    Charts charts,
    Texts texts,
    Rows rows,
    List<Option> configuration,
    Map<String, String> provenance,
    Map<String, Double> timings) {

  /** Characters that a page shows of one text. */
  static final int LONGEST_TEXT = 6000;

  public ReportData {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(verdict, "verdict");
    warnings = List.copyOf(warnings);
    configuration = List.copyOf(configuration);
    provenance = orderedCopy(provenance);
    timings = orderedCopy(timings);
  }

  /**
   * What came of the run on held-out data.
   *
   * @param comparisons measures before and after, the most telling first
   * @param calibration whether predicted probabilities came true, where the model predicts any
   */
  public record Measured(List<Comparison> comparisons, Optional<Calibration> calibration) {
    public Measured {
      comparisons = List.copyOf(comparisons);
      Objects.requireNonNull(calibration, "calibration");
    }
  }

  /**
   * What is drawn of the training.
   *
   * @param stages those that wrote metrics, in the order in which they ran
   * @param histograms how often values of each size occur
   */
  public record Charts(List<Stage> stages, List<Histogram> histograms) {
    public Charts {
      stages = List.copyOf(stages);
      histograms = List.copyOf(histograms);
    }
  }

  /**
   * What the model wrote and judged.
   *
   * @param samples the same prompts answered before and after
   * @param scoredRows the same completions scored before and after
   * @param rollouts completions of the policy with their rewards, by prompt
   */
  public record Texts(
      List<Sample> samples, List<ScoredRow> scoredRows, List<RolloutGroup> rollouts) {
    public Texts {
      samples = List.copyOf(samples);
      scoredRows = List.copyOf(scoredRows);
      rollouts = List.copyOf(rollouts);
    }
  }

  /**
   * What became of the data.
   *
   * @param remarks sentences on it
   * @param counts what was counted: rows read, reference rows computed and found, tokens
   * @param quarantine rows refused, by reason
   * @param refusedRows a few of them, with file, line and reason
   */
  public record Rows(
      List<String> remarks,
      Map<String, Long> counts,
      List<Refusal> quarantine,
      List<String> refusedRows) {
    public Rows {
      remarks = List.copyOf(remarks);
      counts = orderedCopy(counts);
      quarantine = List.copyOf(quarantine);
      refusedRows = List.copyOf(refusedRows);
    }
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
   * A reliability diagram's groups of held-out pairs before and after.
   *
   * @param pairs held-out pairs in all; absent where nobody counted them
   */
  public record Calibration(OptionalLong pairs, List<Bin> before, List<Bin> after) {
    public Calibration {
      Objects.requireNonNull(pairs, "pairs");
      before = List.copyOf(before);
      after = List.copyOf(after);
    }
  }

  /**
   * Pairs whose winner was predicted with about the same probability.
   *
   * @param from least probability of the bin
   * @param to greatest probability of the bin
   * @param share of all pairs, within 0 and 1
   * @param predicted mean predicted probability of the side that is predicted to win
   * @param observed share of the bin's pairs where that side did win
   */
  public record Bin(double from, double to, double share, double predicted, double observed) {}

  /**
   * A stage of training with its metrics.
   *
   * @param kept the step whose weights were kept, where that is not simply the last
   */
  public record Stage(String name, Curves curves, OptionalLong kept) {
    public Stage {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(curves, "curves");
      Objects.requireNonNull(kept, "kept");
    }
  }

  /** A text of the data with what it is. */
  public record Side(String label, String text) {
    public Side {
      Objects.requireNonNull(label, "label");
      text = excerpt(text);
    }
  }

  /** One prompt with what the model said before and after, and what the data has for it. */
  public record Sample(String prompt, String before, String after, List<Side> data) {
    public Sample {
      prompt = excerpt(prompt);
      before = excerpt(before);
      after = excerpt(after);
      data = List.copyOf(data);
    }
  }

  /** A completion of the data with its scores before and after. */
  public record ScoredSide(String label, String text, double before, double after) {
    public ScoredSide {
      Objects.requireNonNull(label, "label");
      text = excerpt(text);
    }
  }

  /** One prompt with its scored completions, the one that should score highest first. */
  public record ScoredRow(String prompt, List<ScoredSide> sides) {
    public ScoredRow {
      prompt = excerpt(prompt);
      sides = List.copyOf(sides);
    }
  }

  /**
   * A completion that the policy wrote in training.
   *
   * @param reward NaN where it has none
   * @param tokens its length
   * @param rewards of each reward function, and of each cost; NaN where it said nothing
   * @param note what else is to be known of it, such as that it was cut off; empty for nothing
   */
  public record Rollout(
      String text, double reward, int tokens, Map<String, Double> rewards, String note) {
    public Rollout {
      text = excerpt(text);
      rewards = orderedCopy(rewards);
      Objects.requireNonNull(note, "note");
    }
  }

  /**
   * Completions of one prompt in one phase, the highest reward first.
   *
   * @param step the first step that trained on them
   * @param sampled how many there were, of which these are some
   */
  public record RolloutGroup(long step, String prompt, int sampled, List<Rollout> completions) {
    public RolloutGroup {
      prompt = excerpt(prompt);
      completions = List.copyOf(completions);
    }
  }

  /** How many rows were refused for one reason, and where the first of them stands. */
  public record Refusal(String reason, long rows, String firstPlace) {
    public Refusal {
      Objects.requireNonNull(reason, "reason");
      Objects.requireNonNull(firstPlace, "firstPlace");
    }
  }

  /**
   * An option as the run resolved it.
   *
   * @param standard its value where nobody gives one; absent where it has none or nobody knows
   */
  public record Option(String name, String value, Optional<String> standard) {
    public Option {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(value, "value");
      Objects.requireNonNull(standard, "standard");
    }
  }

  /** Starts an empty report; everything but the title may stay empty. */
  public static Builder titled(String title) {
    return new Builder(title);
  }

  /** A text as far as a page shows it: whole, or its beginning and how much is left out. */
  private static String excerpt(String text) {
    int left = text.codePointCount(0, text.length()) - LONGEST_TEXT;
    return left <= 0
        ? text
        : String.format(
            Locale.ROOT,
            "%s… (%,d more characters)",
            text.substring(0, text.offsetByCodePoints(0, LONGEST_TEXT)),
            left);
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
    private final List<Histogram> histograms = new ArrayList<>();
    private final List<Sample> samples = new ArrayList<>();
    private Optional<Calibration> calibration = Optional.empty();
    private final List<ScoredRow> scoredRows = new ArrayList<>();
    private final List<RolloutGroup> rollouts = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final List<Refusal> quarantine = new ArrayList<>();
    private final List<String> refusedRows = new ArrayList<>();
    private final List<Option> configuration = new ArrayList<>();
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

    public Builder calibration(Calibration diagram) {
      calibration = Optional.of(diagram);
      return this;
    }

    public Builder stage(String name, Curves curves, OptionalLong kept) {
      stages.add(new Stage(name, curves, kept));
      return this;
    }

    /** A histogram without values is left out. */
    public Builder histogram(Histogram histogram) {
      if (!histogram.groups().isEmpty()) {
        histograms.add(histogram);
      }
      return this;
    }

    public Builder sample(String prompt, String before, String after, Side... data) {
      samples.add(new Sample(prompt, before, after, List.of(data)));
      return this;
    }

    public Builder rolloutGroup(RolloutGroup group) {
      rollouts.add(group);
      return this;
    }

    public Builder scoredRow(String prompt, List<ScoredSide> sides) {
      scoredRows.add(new ScoredRow(prompt, sides));
      return this;
    }

    public Builder warning(String sentence) {
      warnings.add(sentence);
      return this;
    }

    public Builder remark(String sentence) {
      remarks.add(sentence);
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

    public Builder refusedRow(String placeAndReason) {
      refusedRows.add(placeAndReason);
      return this;
    }

    public Builder configuration(String option, Object value, Optional<String> standard) {
      configuration.add(new Option(option, String.valueOf(value), standard));
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
          warnings,
          new Measured(comparisons, calibration),
          new Charts(stages, histograms),
          new Texts(samples, scoredRows, rollouts),
          new Rows(remarks, counts, quarantine, refusedRows),
          configuration,
          provenance,
          timings);
    }
  }
}
