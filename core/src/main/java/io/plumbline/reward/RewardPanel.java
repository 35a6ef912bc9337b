package io.plumbline.reward;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The reward functions of a run, asked together. Whatever one does, {@link #score} comes back: a
 * function that throws, takes too long, or gives what is no reward marks the completions that it
 * did not score, and says nothing of the others. Functions work at the same time, each on a thread
 * of its own. Used from one thread at a time.
 */
public final class RewardPanel implements AutoCloseable {
  private final List<RewardSpec> specs;
  private final List<TimedFunction> functions;

  private RewardPanel(List<RewardSpec> specs, List<TimedFunction> functions) {
    this.specs = specs;
    this.functions = functions;
  }

  /** Opens rewards for a run that renders conversations in its own way. */
  public static RewardPanel open(List<RewardSpec> specs, Storage storage, TemplateSettings run) {
    return open(specs.stream().map(spec -> spec.renderedAs(run)).toList(), storage);
  }

  /**
   * Makes the functions. To find mistakes before any work, open a panel on the driver and close it.
   *
   * @throws PlumblineException BAD_USAGE where a kind or an option is not known or two rewards have
   *     one name; what a kind itself finds wrong, such as a reward model that is not there
   */
  public static RewardPanel open(List<RewardSpec> specs, Storage storage) {
    Map<String, RewardSpec> byName = new LinkedHashMap<>();
    for (RewardSpec spec : specs) {
      if (byName.putIfAbsent(spec.name(), spec) != null) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "Two rewards are named "
                + spec.name()
                + ": give one another name, as in "
                + spec.kind()
                + "{\"name\":\"other\"}.");
      }
    }
    List<TimedFunction> functions = new ArrayList<>();
    try {
      for (RewardSpec spec : specs) {
        functions.add(
            new TimedFunction(spec.name(), spec.timeout(), () -> RewardKinds.make(spec, storage)));
      }
    } catch (RuntimeException | Error e) {
      functions.forEach(TimedFunction::close);
      throw e;
    }
    return new RewardPanel(List.copyOf(specs), functions);
  }

  /** Of the functions, in their order. */
  public List<String> names() {
    return specs.stream().map(RewardSpec::name).toList();
  }

  /** Texts that any of the functions looks for in completions. */
  public Set<String> reads() {
    Set<String> all = new TreeSet<>();
    functions.forEach(function -> all.addAll(function.reads()));
    return all;
  }

  /** Whether a function whose pattern a user wrote looks for a text. */
  boolean readsByPattern(String text) {
    for (int f = 0; f < specs.size(); f++) {
      if (specs.get(f).kind().equals("regex") && functions.get(f).reads().contains(text)) {
        return true;
      }
    }
    return false;
  }

  /** Of the functions, in their order. */
  public double[] weights() {
    return specs.stream().mapToDouble(RewardSpec::weight).toArray();
  }

  /**
   * Scores a batch.
   *
   * @return one for each completion, in their order
   * @throws PlumblineException INTERRUPTED where this thread is interrupted
   */
  public List<ScoredCompletion> score(List<Completion> completions) {
    if (completions.isEmpty()) {
      return List.of();
    }
    List<Completion> batch = List.copyOf(completions);
    List<Optional<TimedFunction.Call>> calls = new ArrayList<>();
    List<List<Outcome>> outcomes = new ArrayList<>();
    try {
      List<String> notStarted = new ArrayList<>();
      for (TimedFunction function : functions) {
        try {
          calls.add(Optional.of(function.start(batch)));
          notStarted.add("");
        } catch (PlumblineException e) {
          // Only one that takes the place of another can fail here.
          calls.add(Optional.empty());
          notStarted.add("could not be made again: " + e.getMessage());
        }
      }
      for (int f = 0; f < calls.size(); f++) {
        String reason = notStarted.get(f);
        outcomes.add(
            calls.get(f).isPresent()
                ? calls.get(f).get().await()
                : batch.stream().map(completion -> Outcome.failed(reason)).toList());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlumblineException(
          ErrorCode.INTERRUPTED, "Interrupted while completions were scored; run it again.", e);
    } finally {
      // After an exception: the others must not continue.
      calls.stream().skip(outcomes.size()).flatMap(Optional::stream).forEach(c -> c.drop());
    }
    List<ScoredCompletion> scored = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      scored.add(scored(outcomes, i));
    }
    return scored;
  }

  private ScoredCompletion scored(List<List<Outcome>> outcomes, int completion) {
    double[] rewards = new double[functions.size()];
    Arrays.fill(rewards, Double.NaN);
    List<List<Reward.Step>> steps = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    for (int f = 0; f < rewards.length; f++) {
      Outcome outcome = outcomes.get(f).get(completion);
      rewards[f] = outcome.reward().value().orElse(Double.NaN);
      steps.add(outcome.reward().steps());
      String name = specs.get(f).name();
      outcome.failure().ifPresent(what -> failures.add(name + ": " + what));
    }
    return new ScoredCompletion(
        rewards,
        steps,
        failures.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", failures)));
  }

  /**
   * The weighted sum of what a row says from a place on, as far as it says something; NaN where it
   * says nothing.
   */
  public static double weighted(double[] row, int from, double[] weights) {
    double sum = 0;
    boolean said = false;
    for (int i = 0; i < weights.length; i++) {
      if (!Double.isNaN(row[from + i])) {
        sum += weights[i] * row[from + i];
        said = true;
      }
    }
    return said ? sum : Double.NaN;
  }

  /** Closes the functions. */
  @Override
  public void close() {
    functions.forEach(TimedFunction::close);
  }
}
