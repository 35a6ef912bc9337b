package io.plumbline.mine;

import java.util.Comparator;
import java.util.List;

/**
 * The best completions of a prompt, to be imitated: rejection sampling as in Llama 2 (Touvron et
 * al. 2023, section 3.2.3) and RAFT (Dong et al. 2023, algorithm 1). Of completions with equal
 * rewards the earlier sample comes first.
 *
 * @param threshold least reward; {@link Double#NEGATIVE_INFINITY} for any
 * @param rowsPerPrompt at most
 */
public record BestOf(double threshold, int rowsPerPrompt) implements Strategy {
  /** Fails with BAD_USAGE where a value makes no sense. */
  public BestOf {
    Rows.check(threshold, rowsPerPrompt);
  }

  @Override
  public int leastCandidates() {
    return 1;
  }

  @Override
  public Selection select(List<Candidate> candidates, long prompt) {
    return Selection.of(
        Rows.reaching(candidates, threshold).stream()
            .sorted(Comparator.comparingDouble(Candidate::reward).reversed())
            .limit(rowsPerPrompt)
            .map(Choice::alone)
            .toList(),
        Skip.BELOW_THRESHOLD);
  }
}
