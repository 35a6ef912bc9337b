package io.plumbline.objective.pair;

import io.plumbline.objective.Require;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A weighted sum of objectives: MPO (Wang et al., "Enhancing the Reasoning Ability of Multimodal
 * Large Language Models via Mixed Preference Optimization", 2024) and every loss with a likelihood
 * part. Looks at each pair alone if all its parts do, else at the whole batch.
 */
public final class Mix {
  /**
   * An objective and its weight.
   *
   * @param weight 0 or more; weights need not add up to 1
   */
  public record Part(PreferenceObjective objective, double weight) {
    public Part {
      Require.notNegative("weight", weight);
    }
  }

  private record OfPairs(List<Part> parts) implements PairObjective {
    @Override
    public PairLoss loss(PairLogps pair) {
      PairLoss sum = new PairLoss(0, 0, 0);
      for (Part part : parts) {
        sum = sum.plus(((PairObjective) part.objective()).loss(pair).times(part.weight()));
      }
      return sum;
    }

    @Override
    public boolean needsReference() {
      return parts.stream().anyMatch(part -> part.objective().needsReference());
    }

    @Override
    public boolean needsMargin() {
      return parts.stream().anyMatch(part -> part.objective().needsMargin());
    }
  }

  private record OfBatch(List<Part> parts) implements BatchObjective {
    @Override
    public List<PairLoss> losses(List<PairLogps> batch) {
      List<PairLoss> sums =
          new ArrayList<>(Collections.nCopies(batch.size(), new PairLoss(0, 0, 0)));
      for (Part part : parts) {
        List<PairLoss> losses = part.objective().losses(batch);
        for (int i = 0; i < sums.size(); i++) {
          sums.set(i, sums.get(i).plus(losses.get(i).times(part.weight())));
        }
      }
      return sums;
    }

    @Override
    public boolean needsReference() {
      return parts.stream().anyMatch(part -> part.objective().needsReference());
    }

    @Override
    public boolean needsMargin() {
      return parts.stream().anyMatch(part -> part.objective().needsMargin());
    }
  }

  private Mix() {}

  /**
   * The sum of the parts, each times its weight. Parts of weight 0 are left out; one part of weight
   * 1 is that part itself. A {@link PairObjective} if all parts are, else a {@link BatchObjective}.
   */
  public static PreferenceObjective of(List<Part> parts) {
    List<Part> counted = parts.stream().filter(part -> part.weight() > 0).toList();
    if (counted.isEmpty()) {
      throw new IllegalArgumentException("a mix needs a part with a weight over 0");
    }
    if (counted.size() == 1 && counted.get(0).weight() == 1) {
      return counted.get(0).objective();
    }
    return counted.stream().allMatch(part -> part.objective() instanceof PairObjective)
        ? new OfPairs(counted)
        : new OfBatch(counted);
  }
}
