package io.plumbline.mine;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generator;
import java.util.ArrayList;
import java.util.List;

/**
 * Completions as the optimal policy π* ∝ π·exp(r/β) would write them, out of those of π:
 * statistical rejection sampling (Liu et al. 2023, RSO, section 3.1 and algorithm 1). Goes round
 * over the candidates that are left and takes each with probability exp((r − r_max)/β), r_max being
 * the greatest reward of those left as the round begins, until there are enough.
 *
 * @param beta price of the KL from the policy that wrote them; small takes the best, large takes
 *     any
 * @param threshold least reward; {@link Double#NEGATIVE_INFINITY} for any
 * @param rowsPerPrompt at most; all candidates where they are no more
 * @param seed with the prompt's and the sample's place it fixes every draw
 */
public record StatisticalRejection(double beta, double threshold, int rowsPerPrompt, long seed)
    implements Strategy {
  /** Fails with BAD_USAGE where a value makes no sense. */
  public StatisticalRejection {
    Rows.check(threshold, rowsPerPrompt);
    if (!(beta > 0) || Double.isInfinite(beta)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "beta must be a positive number, not " + beta);
    }
  }

  @Override
  public int leastCandidates() {
    return 1;
  }

  @Override
  public Selection select(List<Candidate> candidates, long prompt) {
    List<Candidate> left = new ArrayList<>(Rows.reaching(candidates, threshold));
    List<Choice> choices = new ArrayList<>();
    for (int round = 0; !left.isEmpty() && choices.size() < rowsPerPrompt; round++) {
      double most = left.stream().mapToDouble(Candidate::reward).max().orElseThrow();
      // The best is taken for certain, so that every round takes one at least.
      for (Candidate candidate : List.copyOf(left)) {
        double accepted = Math.exp((candidate.reward() - most) / beta);
        if (choices.size() < rowsPerPrompt && uniform(prompt, candidate, round) < accepted) {
          choices.add(Choice.alone(candidate));
          left.remove(candidate);
        }
      }
    }
    return Selection.of(choices, Skip.BELOW_THRESHOLD);
  }

  /** The draws of a completion's tokens count up from 0, these down. */
  private double uniform(long prompt, Candidate candidate, int round) {
    return Generator.uniform(seed, prompt, candidate.sample(), -1L - round);
  }
}
