package io.plumbline.spark.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * Policies measured on the same held-out prompts, as {@code evaluation.json} has them; each is the
 * end of a route through a pipeline.
 *
 * @param stage the stage that measured them
 * @param reference the model from which the KL is taken; empty where there is none
 * @param routes in the order of the evaluation
 * @param optimum what the best policy at this beta would reach, where it was estimated
 * @param frontier reward over KL that is within reach, by rising KL; may be empty
 */
public record RouteComparison(
    String stage,
    String reference,
    OptionalDouble beta,
    List<Route> routes,
    Optional<Point> optimum,
    List<Point> frontier) {
  /** A mean with its standard error, which may be unknown. */
  public record Estimate(double mean, OptionalDouble error) {}

  /** A place in the plane of reward over KL. */
  public record Point(double kl, double reward) {}

  /** How often a policy's completions have a higher reward than another's. */
  public record WinRate(String against, double rate, OptionalDouble error) {}

  /**
   * How a policy was made.
   *
   * @param stages names, in order
   * @param seconds of all these stages
   * @param steps updates in all of them
   */
  public record Way(List<String> stages, double seconds, OptionalLong steps) {
    public Way {
      stages = List.copyOf(stages);
    }
  }

  /**
   * A policy with its measures; what was not measured is absent.
   *
   * @param way absent for a policy that no stage of the pipeline made
   */
  public record Route(
      String name,
      Optional<Estimate> reward,
      Optional<Estimate> kl,
      OptionalDouble length,
      Optional<Estimate> accuracy,
      OptionalLong pairs,
      Optional<WinRate> winRate,
      Optional<Way> way) {
    public Route {
      Objects.requireNonNull(name, "name");
    }
  }

  public RouteComparison {
    routes = List.copyOf(routes);
    frontier = List.copyOf(frontier);
  }

  /**
   * Reads what evaluate wrote.
   *
   * @param ways how a model directory came to be, if a stage made it
   */
  public static RouteComparison of(
      String stage, JsonNode evaluation, Function<String, Optional<Way>> ways) {
    List<Route> routes = new ArrayList<>();
    for (JsonNode policy : evaluation.path("policies")) {
      String model = policy.path("model").asText();
      JsonNode preferences = policy.path("preferences");
      routes.add(
          new Route(
              policy.path("name").asText(model),
              estimate(policy.path("reward")),
              estimate(policy.path("kl")),
              number(policy.path("length").path("mean")),
              estimate(preferences.path("accuracy"), preferences.path("accuracy_error")),
              preferences.path("pairs").isNumber()
                  ? OptionalLong.of(preferences.path("pairs").asLong())
                  : OptionalLong.empty(),
              winRate(policy.path("win_rate")),
              ways.apply(model)));
    }
    JsonNode tilt = evaluation.path("tilt");
    List<Point> frontier = new ArrayList<>();
    for (JsonNode point : tilt.path("frontier")) {
      point(point).ifPresent(frontier::add);
    }
    frontier.sort((a, b) -> Double.compare(a.kl(), b.kl()));
    return new RouteComparison(
        stage,
        evaluation.path("reference").asText(""),
        number(evaluation.path("beta")),
        routes,
        point(tilt),
        frontier);
  }

  private static Optional<Point> point(JsonNode node) {
    Optional<Estimate> kl = estimate(node.path("kl"));
    Optional<Estimate> reward = estimate(node.path("reward"));
    return kl.isPresent() && reward.isPresent()
        ? Optional.of(new Point(kl.get().mean(), reward.get().mean()))
        : Optional.empty();
  }

  /** A mean with its error, or a number alone. */
  private static Optional<Estimate> estimate(JsonNode node) {
    return estimate(node.isObject() ? node.path("mean") : node, node.path("error"));
  }

  private static Optional<Estimate> estimate(JsonNode value, JsonNode error) {
    OptionalDouble mean = number(value);
    return mean.isPresent()
        ? Optional.of(new Estimate(mean.getAsDouble(), number(error)))
        : Optional.empty();
  }

  private static Optional<WinRate> winRate(JsonNode node) {
    OptionalDouble rate = number(node.path("rate"));
    return rate.isPresent()
        ? Optional.of(
            new WinRate(
                node.path("against").asText(), rate.getAsDouble(), number(node.path("error"))))
        : Optional.empty();
  }

  private static OptionalDouble number(JsonNode node) {
    return node.isNumber() && Double.isFinite(node.asDouble())
        ? OptionalDouble.of(node.asDouble())
        : OptionalDouble.empty();
  }
}
