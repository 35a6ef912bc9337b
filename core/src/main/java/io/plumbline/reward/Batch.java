package io.plumbline.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call of a function. It runs on the function's thread and may be given up from another one:
 * what was known by then stays.
 */
final class Batch implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Batch.class);

  private final RewardFunction function;
  private final List<Completion> completions;
  private final AtomicReferenceArray<Outcome> outcomes;
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private volatile boolean givenUp;
  private volatile String lastWords = "";

  Batch(RewardFunction function, List<Completion> completions) {
    this.function = function;
    this.completions = completions;
    this.outcomes = new AtomicReferenceArray<>(completions.size());
  }

  /** Completes when the function has come back; fails only with what ends the process. */
  CompletableFuture<Void> done() {
    return done;
  }

  void giveUp() {
    givenUp = true;
  }

  /**
   * One for each completion.
   *
   * @param ifNone what is said of completions without an outcome
   */
  List<Outcome> outcomes(String ifNone) {
    String missing = lastWords.isEmpty() ? ifNone : ifNone + ": " + lastWords;
    List<Outcome> all = new ArrayList<>();
    for (int i = 0; i < completions.size(); i++) {
      Outcome outcome = outcomes.get(i);
      all.add(outcome == null ? Outcome.failed(missing) : outcome);
    }
    return all;
  }

  @Override
  public void run() {
    // What interrupted an earlier batch may have come too late for it.
    boolean unused = Thread.interrupted();
    try {
      scoreAll();
      done.complete(null);
    } catch (OutOfMemoryError e) {
      done.completeExceptionally(e);
    } catch (Throwable e) {
      done.completeExceptionally(new IllegalStateException("scoring failed", e));
    }
  }

  private void scoreAll() {
    Attempt attempt = attempt(completions);
    if (givenUp && attempt.partial.isEmpty()) {
      lastWords = attempt.ownWords;
      return;
    }
    if (attempt.outcomes.isEmpty() && completions.size() > 1) {
      // Only those that cannot be scored shall be marked.
      for (int i = 0; i < completions.size() && !givenUp; i++) {
        Attempt one = attempt(completions.subList(i, i + 1));
        if (!givenUp) {
          outcomes.set(i, one.outcomes.isEmpty() ? Outcome.failed(one.what) : one.outcomes.get(0));
        }
      }
      return;
    }
    for (int i = 0; i < completions.size(); i++) {
      outcomes.set(
          i, attempt.outcomes.isEmpty() ? Outcome.failed(attempt.what) : attempt.outcomes.get(i));
    }
  }

  /**
   * A call of the function.
   *
   * @param outcomes one for each completion, or none where it threw
   * @param what was thrown
   * @param ownWords the same where this package threw it
   * @param partial present where the function itself said which completions it could not score
   */
  private record Attempt(
      List<Outcome> outcomes,
      String what,
      String ownWords,
      Optional<PartlyScoredException> partial) {
    static Attempt of(List<Outcome> outcomes) {
      return new Attempt(outcomes, "", "", Optional.empty());
    }
  }

  private Attempt attempt(List<Completion> batch) {
    try {
      return Attempt.of(checked(batch, function.score(batch)));
    } catch (PartlyScoredException e) {
      return new Attempt(e.outcomes(), "", "", Optional.of(e));
    } catch (ScoringException e) {
      LOG.debug("A reward function could not score", e);
      return new Attempt(List.of(), e.getMessage(), e.getMessage(), Optional.empty());
    } catch (OutOfMemoryError e) {
      throw e;
    } catch (Throwable e) {
      // The message may hold what a prompt says.
      LOG.debug("A reward function threw", e);
      return new Attempt(List.of(), "threw " + described(e), "", Optional.empty());
    }
  }

  private static List<Outcome> checked(List<Completion> batch, List<Reward> rewards) {
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      if (rewards == null) {
        outcomes.add(Outcome.failed("gave null in the place of a list"));
      } else if (rewards.size() != batch.size()) {
        outcomes.add(
            Outcome.failed(
                "gave " + rewards.size() + " rewards for " + batch.size() + " completions"));
      } else {
        outcomes.add(checked(batch.get(i), rewards.get(i)));
      }
    }
    return outcomes;
  }

  /** A reward that is one: finite, with steps in the order of the text and within it. */
  static Outcome checked(Completion completion, Reward reward) {
    if (reward == null) {
      return Outcome.failed("gave null, which is no reward; Reward.notApplicable() says nothing");
    }
    double value = reward.value().orElse(0);
    if (!Double.isFinite(value)) {
      return Outcome.failed("gave " + value);
    }
    int from = 0;
    for (Reward.Step step : reward.steps()) {
      if (!Double.isFinite(step.value())) {
        return Outcome.failed("gave " + step.value() + " for a step");
      }
      if (step.end() <= from) {
        return Outcome.failed("gave steps that are not in the order of the text");
      }
      if (step.end() > completion.text().length()) {
        return Outcome.failed("gave a step that ends behind the end of the text");
      }
      from = step.end();
    }
    return Outcome.of(reward);
  }

  /** The kind of an exception and where it comes from. */
  private static String described(Throwable e) {
    String kind = e.getClass().getName();
    for (StackTraceElement frame : e.getStackTrace()) {
      String place = frame.getClassName();
      if (!place.startsWith("java.") && !place.startsWith("jdk.") && !place.startsWith("sun.")) {
        return kind
            + " in "
            + place
            + "."
            + frame.getMethodName()
            + (frame.getFileName() == null
                ? ""
                : " (" + frame.getFileName() + ":" + frame.getLineNumber() + ")");
      }
    }
    return kind;
  }
}
