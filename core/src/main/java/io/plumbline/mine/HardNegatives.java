package io.plumbline.mine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The pairs whose rewards differ least, but by the margin at least. Where the reward is a
 * Bradley–Terry model's, P(chosen ≻ rejected) = σ(r_chosen − r_rejected), so these are the pairs
 * nearest to the decision boundary P = 1/2 on its right side: those that taught most in Yang et al.
 * 2024 (Not All Preference Pairs Are Created Equal). The margin keeps away from the boundary what
 * the reward cannot tell apart. Of pairs with equal differences, the one with the higher rewards
 * comes first, then that of earlier samples.
 *
 * @param margin least difference of the rewards; with 0 they must differ at all
 * @param pairsPerPrompt at most
 */
public record HardNegatives(double margin, int pairsPerPrompt) implements Strategy {
  private static final Comparator<Choice> HARDEST_FIRST =
      Comparator.comparingDouble(Choice::margin)
          .thenComparing(Comparator.comparingDouble((Choice c) -> c.chosen().reward()).reversed())
          .thenComparingInt(choice -> choice.chosen().sample())
          .thenComparingInt(choice -> choice.rejected().orElseThrow().sample());

  /** Fails with BAD_USAGE where a value makes no sense. */
  public HardNegatives {
    Pairs.check(margin, pairsPerPrompt);
  }

  @Override
  public int leastCandidates() {
    return 2;
  }

  @Override
  public Selection select(List<Candidate> candidates, long prompt) {
    List<Choice> pairs = new ArrayList<>();
    for (Candidate chosen : candidates) {
      for (Candidate rejected : candidates) {
        if (Pairs.apart(chosen, rejected, margin)) {
          pairs.add(Choice.pair(chosen, rejected));
        }
      }
    }
    pairs.sort(HARDEST_FIRST);
    List<Choice> choices = new ArrayList<>();
    Set<Candidate> used = new HashSet<>();
    for (Choice pair : pairs) {
      Candidate rejected = pair.rejected().orElseThrow();
      boolean free = !used.contains(pair.chosen()) && !used.contains(rejected);
      if (free && choices.size() < pairsPerPrompt) {
        used.add(pair.chosen());
        used.add(rejected);
        choices.add(pair);
      }
    }
    return Selection.of(choices, Pairs.reason(candidates));
  }
}
