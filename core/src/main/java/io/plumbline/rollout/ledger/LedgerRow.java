package io.plumbline.rollout.ledger;

import io.plumbline.model.Generation.Finish;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A rollout as the ledger keeps it. A NaN reward, cost or advantage counts as none: an average in
 * SQL passes over a null and not over a NaN.
 *
 * @param step the first step that trains on the rollout; its ledger file bears the same number
 * @param phase the rollout phase, counted from 0
 * @param rank who sampled it
 * @param promptIndex the prompt's row in the prepared data
 * @param slot the prompt's place in the phase
 * @param sample the completion's place in its group
 * @param prompt as the model read it, special tokens included
 * @param completion special tokens left out
 * @param promptTokens how many tokens the prompt has
 * @param tokens ids of the completion, with the EOS where one was drawn
 * @param logps of each token in nats, the policy's when it sampled, at the training temperature
 * @param referenceLogps the reference model's; empty without one
 * @param reward the weighted sum; empty where no reward function said anything
 * @param rewards by function, unweighted; empty where a function has nothing to say
 * @param costs by cost function, likewise
 * @param advantage of the completion as a whole; empty where its group was dropped
 * @param tokenAdvantages of each token; empty without process rewards
 * @param finish why the completion ends
 * @param policyVersion updates that the policy had seen when it sampled
 * @param failure what went wrong with its rewards; empty where nothing did
 */
public record LedgerRow(
    long step,
    long phase,
    int rank,
    long promptIndex,
    int slot,
    int sample,
    String prompt,
    String completion,
    int promptTokens,
    int[] tokens,
    float[] logps,
    Optional<float[]> referenceLogps,
    OptionalDouble reward,
    Map<String, OptionalDouble> rewards,
    Map<String, OptionalDouble> costs,
    OptionalDouble advantage,
    Optional<double[]> tokenAdvantages,
    Finish finish,
    long policyVersion,
    Optional<String> failure) {

  public LedgerRow {
    perToken("logps", logps.length, tokens);
    referenceLogps.ifPresent(values -> perToken("reference logps", values.length, tokens));
    tokenAdvantages.ifPresent(values -> perToken("token advantages", values.length, tokens));
    reward = withoutNan(reward);
    rewards = withoutNan(rewards);
    costs = withoutNan(costs);
    advantage = withoutNan(advantage);
  }

  /** Whether the completion was cut off at its longest length. */
  public boolean truncated() {
    return finish == Finish.LENGTH;
  }

  private static void perToken(String what, int length, int[] tokens) {
    if (length != tokens.length) {
      throw new IllegalArgumentException(
          "%d %s of a completion with %d tokens".formatted(length, what, tokens.length));
    }
  }

  private static OptionalDouble withoutNan(OptionalDouble value) {
    return value.isPresent() && Double.isNaN(value.getAsDouble()) ? OptionalDouble.empty() : value;
  }

  /** In the order given, which is then the order in the file. */
  private static Map<String, OptionalDouble> withoutNan(Map<String, OptionalDouble> values) {
    Map<String, OptionalDouble> kept = new LinkedHashMap<>();
    values.forEach((name, value) -> kept.put(name, withoutNan(value)));
    return Collections.unmodifiableMap(kept);
  }
}
