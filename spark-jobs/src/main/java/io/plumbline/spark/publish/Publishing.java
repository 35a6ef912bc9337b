package io.plumbline.spark.publish;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * Publishes a model if it beats the last published one on held-out preferences.
 *
 * @param candidate its Hugging Face directory
 * @param evaluation an evaluation.json with the candidate and, where there is one, the last
 *     published model among its policies
 * @param to the pointer file, as {@link PublishedModels} describes it
 * @param decision where the decision is written
 * @param minimumImprovement by how much the candidate must be better, at least 0; it must be better
 *     at all in any case
 */
public record Publishing(
    String candidate,
    String evaluation,
    String to,
    String decision,
    ComparedMetric metric,
    double minimumImprovement) {
  /** Differences of decimal fractions are not exact: 0.57 - 0.56 is a little under 0.01. */
  private static final double ROUNDING = 1e-9;

  /**
   * Decides, once: a second call gives the same decision and writes nothing. Of two calls at once
   * with different candidates at most one publishes; the other is refused, because it was compared
   * with a model that is not the last one any more.
   *
   * @throws PlumblineException BAD_DATA where the evaluation lacks the candidate or the last
   *     published model; OUTPUT_IN_USE where the decision file is about something else
   */
  public Decision run(Storage storage) {
    PublishedModels published = PublishedModels.at(storage, to);
    if (storage.exists(decision)) {
      Decision made = earlier(storage);
      published.pointToNewest();
      return made;
    }
    Decision made = decide(storage, published);
    published.pointToNewest();
    storage.createExclusively(decision, made.json().toPrettyString() + "\n");
    // Another call about the same candidate may have been faster: what it wrote stands.
    return earlier(storage);
  }

  private Decision earlier(Storage storage) {
    Decision made = Decision.read(decision, storage.readText(decision));
    if (!same(storage, made.candidate(), candidate) || !same(storage, made.to(), to)) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          String.format(
              "%s holds the decision about %s and %s: name another file by --decision.",
              decision, made.candidate(), made.to()));
    }
    return made;
  }

  private Decision decide(Storage storage, PublishedModels published) {
    Optional<PublishedModel> own =
        published.versions().stream()
            .filter(version -> same(storage, version.model(), candidate))
            .findFirst();
    if (own.isPresent()) {
      // A call that died, or that runs beside this one, got as far as the log.
      if (!own.get().fingerprint().equals(fingerprint(storage))) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE,
            String.format(
                "%s is not what it was when it was published as version %d: train a new model into"
                    + " a directory of its own.",
                candidate, own.get().version()));
      }
      return published(own.get(), Optional.empty(), "It is version " + own.get().version() + ".");
    }
    EvaluationFile evaluated = EvaluationFile.read(storage, evaluation);
    HeldOutScores scores = evaluated.scores(candidate, metric);
    Optional<PublishedModel> last = published.newest();
    last.filter(version -> !evaluated.holds(version.model()))
        .ifPresent(
            version -> {
              throw stale(version);
            });
    Optional<HeldOutScores> lastScores =
        last.map(version -> evaluated.scores(version.model(), metric));
    if (lastScores.isPresent() && !beats(scores, lastScores.get())) {
      PublishedModel stays = last.orElseThrow();
      return new Decision(
          false,
          candidate,
          to,
          stays.version(),
          stays.model(),
          stays.fingerprint(),
          scores,
          lastScores,
          comparison("Not better than", stays, scores, lastScores.get()));
    }
    PublishedModel version =
        new PublishedModel(
            last.map(PublishedModel::version).orElse(0L) + 1,
            candidate,
            fingerprint(storage),
            evaluation,
            scores,
            Instant.now());
    if (!published.add(version)) {
      PublishedModel faster = published.newest().orElseThrow();
      if (same(storage, faster.model(), candidate)) {
        return published(faster, lastScores, "It is version " + faster.version() + ".");
      }
      throw stale(faster);
    }
    return published(
        version,
        lastScores,
        last.isEmpty()
            ? "The first version."
            : comparison("Better than", last.get(), scores, lastScores.orElseThrow()));
  }

  private Decision published(
      PublishedModel version, Optional<HeldOutScores> lastScores, String reason) {
    return new Decision(
        true,
        candidate,
        to,
        version.version(),
        version.model(),
        version.fingerprint(),
        version.scores(),
        lastScores,
        reason);
  }

  private String fingerprint(Storage storage) {
    return ModelDirectory.open(storage, candidate).fingerprint();
  }

  private boolean beats(HeldOutScores scores, HeldOutScores last) {
    double improvement = metric.of(scores) - metric.of(last);
    return improvement > 0 && improvement >= minimumImprovement - ROUNDING;
  }

  private String comparison(
      String verdict, PublishedModel last, HeldOutScores scores, HeldOutScores lastScores) {
    return String.format(
        Locale.ROOT,
        "%s version %d: %s %.4f against %.4f on %,d held-out pairs, where at least %s more was"
            + " asked for.",
        verdict,
        last.version(),
        metric.word(),
        metric.of(scores),
        metric.of(lastScores),
        scores.pairs(),
        minimumImprovement);
  }

  private PlumblineException stale(PublishedModel last) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        String.format(
            "%s does not compare with %s, which is the last published model (version %d of %s):"
                + " evaluate again, with --policy last=%s.",
            evaluation, last.model(), last.version(), to, last.model()));
  }

  private static boolean same(Storage storage, String one, String other) {
    return EvaluationFile.identity(storage, one).equals(EvaluationFile.identity(storage, other));
  }
}
