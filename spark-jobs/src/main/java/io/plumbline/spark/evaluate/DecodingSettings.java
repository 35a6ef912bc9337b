package io.plumbline.spark.evaluate;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.SamplingSettings;
import java.io.Serializable;
import java.util.Set;

/**
 * How the command {@code generate} decodes: one completion a prompt.
 *
 * @param maxNewTokens longest completion, in tokens
 * @param temperature divides the logits; 0 always takes the most probable token
 * @param topK draws from this many most probable tokens only; 0 from all
 * @param topP draws from the smallest set of most probable tokens that holds this share; 1 from all
 * @param seed with the prompt's place in the input it fixes every draw
 */
public record DecodingSettings(
    int maxNewTokens, double temperature, int topK, double topP, long seed)
    implements Serializable {

  public DecodingSettings {
    if (maxNewTokens < 1
        || !(temperature >= 0 && temperature < Double.POSITIVE_INFINITY)
        || topK < 0
        || !(topP > 0 && topP <= 1)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--max-new-tokens %d, --temperature %s, --top-k %d, --top-p %s: the first must be at least 1, the second and third 0 or more, the last above 0 and at most 1."
              .formatted(maxNewTokens, temperature, topK, topP));
    }
  }

  /** The most probable token each time. */
  public static DecodingSettings greedy(int maxNewTokens) {
    return new DecodingSettings(maxNewTokens, 0, 0, 1, 0);
  }

  SamplingSettings sampling(Set<Integer> eosIds) {
    return SamplingSettings.sampling(maxNewTokens, temperature, 1, seed, eosIds)
        .withTopK(topK)
        .withTopP(topP);
  }
}
