package io.plumbline.mine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The best completion against the worst, then the second best against the second worst, and so on:
 * West-of-N (Pace et al. 2024, section 3), whose pairs are those that the reward is surest of. Of
 * completions with equal rewards the earlier sample comes first.
 *
 * @param margin least difference of the rewards; with 0 they must differ at all
 * @param pairsPerPrompt at most
 */
public record BestAgainstWorst(double margin, int pairsPerPrompt) implements Strategy {
  /** Fails with BAD_USAGE where a value makes no sense. */
  public BestAgainstWorst {
    Pairs.check(margin, pairsPerPrompt);
  }

  @Override
  public int leastCandidates() {
    return 2;
  }

  @Override
  public Selection select(List<Candidate> candidates, long prompt) {
    // Sorts are stable: equal rewards stay in the order of the samples.
    List<Candidate> worst =
        candidates.stream().sorted(Comparator.comparingDouble(Candidate::reward)).toList();
    List<Candidate> best =
        candidates.stream()
            .sorted(Comparator.comparingDouble(Candidate::reward).reversed())
            .toList();
    List<Choice> choices = new ArrayList<>();
    for (int i = 0; i < candidates.size() && choices.size() < pairsPerPrompt; i++) {
      if (!Pairs.apart(best.get(i), worst.get(i), margin)) {
        // Further in, rewards lie closer still.
        break;
      }
      choices.add(Choice.pair(best.get(i), worst.get(i)));
    }
    return Selection.of(choices, Pairs.reason(candidates));
  }
}
