package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * What is to be evaluated on what.
 *
 * @param policies at least one; the others are compared with the first
 * @param reference Hugging Face directory; needed for {@code data} and for {@code tilt}
 * @param data sources of preference pairs; may be empty
 * @param prompts sources of prompts; may be empty
 * @param rewards what completions of the prompts are scored by, as a user names them
 * @param beta β of the implicit reward, and the price of a nat in the tilt
 * @param tilt completions of each prompt that the tilt draws from the reference; empty for none
 * @param decoding how the policies write; draws from all of the distribution at temperature 1 where
 *     there is a reference
 * @param failures how many completions may fail to get a reward
 * @param passes how models run forward
 */
public record EvaluationRequest(
    List<Policy> policies,
    Optional<String> reference,
    RowSources data,
    RowSources prompts,
    List<String> rewards,
    double beta,
    OptionalInt tilt,
    DecodingSettings decoding,
    FailureLimit failures,
    Passes passes) {

  /**
   * A model under a name.
   *
   * @param model Hugging Face directory
   */
  public record Policy(String name, String model) {}

  /**
   * How models run forward.
   *
   * @param dtype in which type kernels multiply
   * @param tokensPerBatch token budget of one pass
   */
  public record Passes(ComputeDtype dtype, int tokensPerBatch) {}

  public EvaluationRequest {
    policies = List.copyOf(policies);
    rewards = List.copyOf(rewards);
  }

  /** The directories of all models, each once. */
  List<String> models() {
    return Stream.concat(policies.stream().map(Policy::model), reference.stream())
        .distinct()
        .toList();
  }

  /** How conversations are rendered: pairs and prompts alike. */
  public RunTemplates templates() {
    return prompts.templates();
  }

  /** This request with the date that chat templates read: the one that is given, or now. */
  public EvaluationRequest dated(Storage storage) {
    List<String> scoring =
        rewards.stream().flatMap(reward -> RewardSpec.parse(reward).modelPath().stream()).toList();
    RunTemplates templates = templates().dated(storage, models(), scoring, Optional.empty());
    return new EvaluationRequest(
        policies,
        reference,
        data.with(templates),
        prompts.with(templates),
        rewards,
        beta,
        tilt,
        decoding,
        failures,
        passes);
  }
}
