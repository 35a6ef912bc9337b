package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.statistics.Calibration;
import io.plumbline.statistics.Estimate;
import io.plumbline.statistics.Tilt;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What an evaluation found. What was not asked for is absent. Estimates are means over prompts or
 * pairs with standard errors.
 *
 * @param beta of the implicit reward and of the tilt, where one of them was asked for
 * @param policies in the order in which they were given
 * @param samples a few prompts with what each policy wrote
 * @param read what the rows were read as: of {@code data} and of {@code prompts}
 */
public record Evaluation(
    Optional<String> reference,
    OptionalDouble beta,
    Optional<Prompts> prompts,
    List<Policy> policies,
    Optional<TiltResult> tilt,
    List<Sample> samples,
    Map<String, String> read) {

  public Evaluation {
    read = new TreeMap<>(read);
    policies = List.copyOf(policies);
    samples = List.copyOf(samples);
  }

  /**
   * What the completions were written to, and how.
   *
   * @param rows how many prompts
   */
  public record Prompts(long rows, List<String> rewards, DecodingSettings decoding) {}

  /** One policy's part. */
  public record Policy(
      String name,
      String model,
      Optional<Completions> completions,
      Optional<Preferences> preferences,
      Optional<WinRate> winRate,
      Optional<Frontier> frontier) {}

  /**
   * What a policy writes.
   *
   * @param reward the weighted sum of the rewards, a completion
   * @param rewards the mean of each by name, without its weight
   * @param failed completions that a reward function could not score
   * @param length in tokens
   * @param clippedRatio share of the completions that were cut off at the greatest length
   */
  public record Completions(
      Optional<Estimate> reward,
      Map<String, Double> rewards,
      long failed,
      Optional<Kl> kl,
      Estimate length,
      double clippedRatio) {}

  /**
   * KL(π‖π_ref), in nats a completion, from the policy's own draws.
   *
   * @param k1 mean of Σ_t log π − log π_ref
   * @param k3 the same of the estimator that is never below 0
   */
  public record Kl(Estimate k1, Estimate k3) {}

  /**
   * How a policy's implicit rewards treat preference pairs.
   *
   * @param accuracyError standard error of {@link PairMetrics#accuracy}
   * @param marginError standard error of {@link PairMetrics#margin}
   * @param calibrationError expected calibration error of σ(margin)
   * @param reliability bins that hold pairs
   */
  public record Preferences(
      PairMetrics metrics,
      double accuracyError,
      double marginError,
      double calibrationError,
      List<Calibration.Bin> reliability) {}

  /**
   * How often a policy's completion of a prompt has a higher reward than the other's; ties count
   * half.
   *
   * @param against the other policy's name
   */
  public record WinRate(String against, Estimate rate) {}

  /**
   * A policy's place on the frontier of reward against KL.
   *
   * @param place what the frontier reaches at the policy's KL
   * @param share of the way from the reference's reward to the frontier's that the policy went;
   *     empty where that way is within its error, or where the frontier is known from below only
   */
  public record Frontier(Tilt.Place place, Optional<Share> share) {}

  /** A share with its standard error, the errors of its parts taken as independent. */
  public record Share(double value, double error) {}

  /**
   * What the best policy would reach.
   *
   * @param numCompletions of each prompt, drawn from the reference
   * @param optimum at the β that was asked for
   * @param frontier optima at other prices, the highest first
   * @param bestOfN the first is the reference itself
   */
  public record TiltResult(
      int numCompletions,
      Tilt.Optimum optimum,
      List<Tilt.Optimum> frontier,
      List<Tilt.BestOfN> bestOfN) {

    /** The reference's own mean reward. */
    public Estimate referenceReward() {
      return bestOfN.get(0).reward();
    }
  }

  /** A prompt with what each policy wrote. */
  public record Sample(String prompt, List<Written> completions) {}

  /**
   * @param reward NaN where it has none
   */
  public record Written(String name, String text, double reward) {}

  /** As evaluation.json has it. */
  public ObjectNode toJson() {
    ObjectNode json = Json.MAPPER.createObjectNode();
    reference.ifPresent(path -> json.put("reference", path));
    beta.ifPresent(value -> json.put("beta", value));
    if (!read.isEmpty()) {
      ObjectNode lines = json.putObject("read");
      read.forEach(lines::put);
    }
    prompts.ifPresent(asked -> put(json.putObject("prompts"), asked));
    ArrayNode list = json.putArray("policies");
    policies.forEach(policy -> put(list.addObject(), policy));
    tilt.ifPresent(found -> put(json.putObject("tilt"), found));
    if (!samples.isEmpty()) {
      ArrayNode shown = json.putArray("samples");
      for (Sample sample : samples) {
        ObjectNode node = shown.addObject().put("prompt", sample.prompt());
        ArrayNode completions = node.putArray("completions");
        for (Written written : sample.completions()) {
          ObjectNode one =
              completions.addObject().put("name", written.name()).put("text", written.text());
          putNumber(one, "reward", written.reward());
        }
      }
    }
    return json;
  }

  private static void put(ObjectNode json, Prompts prompts) {
    json.put("rows", prompts.rows());
    ArrayNode rewards = json.putArray("rewards");
    prompts.rewards().forEach(rewards::add);
    json.setAll(prompts.decoding().toJson());
  }

  private static void put(ObjectNode json, Policy policy) {
    json.put("name", policy.name()).put("model", policy.model());
    policy
        .completions()
        .ifPresent(
            written -> {
              written.reward().ifPresent(reward -> json.set("reward", json(reward)));
              if (!written.rewards().isEmpty()) {
                ObjectNode rewards = json.putObject("rewards");
                written.rewards().forEach((name, mean) -> putNumber(rewards, name, mean));
                json.put("failed_rewards", written.failed());
              }
              written
                  .kl()
                  .ifPresent(
                      kl -> {
                        ObjectNode node = json(kl.k1());
                        node.set("k3", json(kl.k3()));
                        json.set("kl", node);
                      });
              ObjectNode length = json(written.length());
              json.set("length", length.put("clipped_ratio", written.clippedRatio()));
            });
    policy
        .preferences()
        .ifPresent(
            preferences -> {
              PairMetrics metrics = preferences.metrics();
              ObjectNode node =
                  json.putObject("preferences")
                      .put("accuracy", metrics.accuracy())
                      .put("accuracy_error", preferences.accuracyError())
                      .put("margin", metrics.margin())
                      .put("margin_error", preferences.marginError())
                      .put("rewards_chosen", metrics.rewardsChosen())
                      .put("rewards_rejected", metrics.rewardsRejected())
                      .put("prefers_chosen", metrics.prefersChosen())
                      .put("calibration_error", preferences.calibrationError())
                      .put("pairs", metrics.pairs());
              ArrayNode bins = node.putArray("reliability");
              for (Calibration.Bin bin : preferences.reliability()) {
                bins.addObject()
                    .put("from", bin.from())
                    .put("to", bin.to())
                    .put("share", bin.share())
                    .put("predicted", bin.predicted())
                    .put("observed", bin.observed());
              }
            });
    policy
        .winRate()
        .ifPresent(
            won -> {
              ObjectNode node =
                  json.putObject("win_rate")
                      .put("against", won.against())
                      .put("rate", won.rate().mean());
              putNumber(node, "error", won.rate().error());
            });
    policy
        .frontier()
        .ifPresent(
            frontier -> {
              Tilt.Place place = frontier.place();
              ObjectNode node = json.putObject("frontier").put("reward", place.reward());
              putNumber(node, "error", place.error());
              putNumber(node, "beta", place.beta());
              node.put("within_reach", place.reach() == Tilt.Reach.WITHIN);
              frontier
                  .share()
                  .ifPresent(
                      share -> {
                        node.put("share", share.value());
                        putNumber(node, "share_error", share.error());
                      });
            });
  }

  private static void put(ObjectNode json, TiltResult tilt) {
    json.put("num_completions", tilt.numCompletions());
    put(json, tilt.optimum());
    ArrayNode best = json.putArray("best_of_n");
    for (Tilt.BestOfN one : tilt.bestOfN()) {
      ObjectNode node = best.addObject().put("n", one.n());
      node.set("reward", json(one.reward()));
      node.put("kl_bound", one.klBound());
    }
    ArrayNode frontier = json.putArray("frontier");
    tilt.frontier().forEach(optimum -> put(frontier.addObject(), optimum));
  }

  private static void put(ObjectNode json, Tilt.Optimum optimum) {
    json.put("beta", optimum.beta());
    json.set("log_partition", json(optimum.logPartition()));
    json.set("reward", json(optimum.reward()));
    json.set("kl", json(optimum.kl()));
    json.put("effective_sample_size", optimum.effectiveSampleSize());
  }

  private static ObjectNode json(Estimate estimate) {
    ObjectNode json = Json.MAPPER.createObjectNode().put("mean", estimate.mean());
    putNumber(json, "error", estimate.error());
    putNumber(json, "sampling_error", estimate.samplingError());
    return json;
  }

  /** JSON has no NaN and no infinity: what is none is absent. */
  private static void putNumber(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    }
  }
}
