package io.plumbline.spark.report;

import io.plumbline.spark.report.RouteComparison.Estimate;
import io.plumbline.spark.report.RouteComparison.Route;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** The sentences at the top of a pipeline's report: which route is best, and by how much. */
final class RouteVerdict {
  /** Differences up to so many standard errors are what chance alone makes. */
  private static final double ERRORS_OF_CHANCE = 2;

  private RouteVerdict() {}

  static String of(RouteComparison comparison) {
    List<Route> rewarded = ranked(comparison, Route::reward);
    if (!rewarded.isEmpty()) {
      return byReward(rewarded);
    }
    List<Route> judging = ranked(comparison, Route::accuracy);
    return judging.isEmpty()
        ? "The evaluation gave neither rewards nor preferences, so nothing says which route is best."
        : byAccuracy(judging);
  }

  /** The route that the sentences name the best; empty where nothing says which. */
  static Optional<Route> best(RouteComparison comparison) {
    return ranked(comparison, Route::reward).stream()
        .findFirst()
        .or(() -> ranked(comparison, Route::accuracy).stream().findFirst());
  }

  /** The routes that have a measure, the highest first. */
  private static List<Route> ranked(
      RouteComparison comparison, Function<Route, Optional<Estimate>> measure) {
    return comparison.routes().stream()
        .filter(route -> measure.apply(route).isPresent())
        .sorted(
            Comparator.comparingDouble((Route route) -> -measure.apply(route).orElseThrow().mean()))
        .toList();
  }

  private static String byReward(List<Route> routes) {
    Route best = routes.get(0);
    Estimate reward = best.reward().orElseThrow();
    StringBuilder text = new StringBuilder();
    if (routes.size() == 1) {
      text.append(
          String.format(
              "%s has a mean reward of %s on the held-out prompts; no other route was measured.",
              best.name(), number(reward)));
    } else {
      Route next = routes.get(1);
      Estimate other = next.reward().orElseThrow();
      text.append(
          String.format(
              "%s is the best of %d routes on the held-out prompts: its mean reward is %s, %s above"
                  + " %s, the next (%s).",
              best.name(),
              routes.size(),
              number(reward),
              number(reward.mean() - other.mean()),
              next.name(),
              number(other)));
      text.append(chance(reward, other));
    }
    best.kl()
        .ifPresent(
            kl ->
                text.append(
                    String.format(" Its KL from the reference is %s nats a text.", number(kl))));
    return text.toString();
  }

  private static String byAccuracy(List<Route> routes) {
    Route best = routes.get(0);
    Estimate accuracy = best.accuracy().orElseThrow();
    if (routes.size() == 1) {
      return String.format(
          "%s prefers the chosen side of %s of the held-out pairs; no other route was measured.",
          best.name(), percent(accuracy));
    }
    Route next = routes.get(1);
    Estimate other = next.accuracy().orElseThrow();
    return String.format(
            "%s is the best of %d routes on the held-out pairs: it prefers the chosen side of %s,"
                + " and %s, the next, of %s.",
            best.name(), routes.size(), percent(accuracy), next.name(), percent(other))
        + chance(accuracy, other);
  }

  /** A sentence where a difference is no larger than chance alone makes it; else nothing. */
  private static String chance(Estimate best, Estimate next) {
    if (best.error().isEmpty() || next.error().isEmpty()) {
      return "";
    }
    double error = Math.hypot(best.error().getAsDouble(), next.error().getAsDouble());
    return best.mean() - next.mean() > ERRORS_OF_CHANCE * error
        ? ""
        : String.format(
            " That is within %s standard errors of the difference (%s): take the two for equal.",
            number(ERRORS_OF_CHANCE), number(error));
  }

  static String percent(Estimate share) {
    return share.error().isPresent()
        ? percent(share.mean()) + " ± " + percent(share.error().getAsDouble())
        : percent(share.mean());
  }

  static String number(Estimate estimate) {
    return estimate.error().isPresent()
        ? number(estimate.mean()) + " ± " + number(estimate.error().getAsDouble())
        : number(estimate.mean());
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** Three digits: more say nothing beside the errors. */
  static String number(double value) {
    if (!Double.isFinite(value)) {
      return Double.toString(value);
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(3));
    if (rounded.signum() == 0 || rounded.abs().compareTo(new BigDecimal("1e-9")) < 0) {
      return "0";
    }
    String plain = rounded.stripTrailingZeros().toPlainString();
    return plain.length() > 10 ? rounded.stripTrailingZeros().toString() : plain;
  }
}
