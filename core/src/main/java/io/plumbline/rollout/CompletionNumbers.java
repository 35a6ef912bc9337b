package io.plumbline.rollout;

import io.plumbline.model.Generation;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.train.CountedTokens;
import java.nio.DoubleBuffer;

/**
 * What all ranks know of a completion.
 *
 * @param prompt index of its prompt among the prompts trained on
 * @param length in tokens
 * @param cutOff 1 where it reached the greatest length, else 0
 * @param failed 1 where a reward or a cost function could not score it, else 0
 * @param surprise −log π of the whole completion, in nats
 * @param logRatio log π − log π_ref of the whole completion, in nats; 0 without a reference
 * @param klCharge the estimate of the distance from the reference that its reward is charged with,
 *     in nats; 0 without a reference
 * @param overlong the penalty for its length, 0 or less
 * @param steps the greatest absolute value that process rewards give one of its tokens
 * @param scores by function what rewards, then costs, say; NaN where a function says nothing
 */
record CompletionNumbers(
    double prompt,
    double length,
    double cutOff,
    double failed,
    double surprise,
    double logRatio,
    double klCharge,
    double overlong,
    double steps,
    double[] scores) {
  private static final int BEFORE_SCORES = 9;

  /** Of a completion that earns nothing but its scores. */
  static CompletionNumbers of(Group group, int i) {
    return of(group, i, 0, 0, 0);
  }

  static CompletionNumbers of(Group group, int i, double klCharge, double overlong, double steps) {
    Generation written = group.generations().get(i);
    double logp = CountedTokens.sum(written.logps());
    double[] rewards = group.scores().get(i).rewards();
    double[] costs = group.costs().get(i).rewards();
    return new CompletionNumbers(
        group.prompt().index(),
        written.tokens().length,
        group.isCutOff(i) ? 1 : 0,
        group.failed(i) ? 1 : 0,
        -logp,
        group.reference().isEmpty() ? 0 : logp - CountedTokens.sum(group.reference().get(i)),
        klCharge,
        overlong,
        steps,
        DoubleBuffer.allocate(rewards.length + costs.length).put(rewards).put(costs).array());
  }

  boolean isCutOff() {
    return cutOff > 0;
  }

  boolean isFailed() {
    return failed > 0;
  }

  /** How many numbers {@link #write} gives with so many functions. */
  static int width(int functions) {
    return BEFORE_SCORES + functions;
  }

  double[] write() {
    return DoubleBuffer.allocate(width(scores.length))
        .put(prompt)
        .put(length)
        .put(cutOff)
        .put(failed)
        .put(surprise)
        .put(logRatio)
        .put(klCharge)
        .put(overlong)
        .put(steps)
        .put(scores)
        .array();
  }

  static CompletionNumbers read(double[] numbers) {
    DoubleBuffer in = DoubleBuffer.wrap(numbers);
    double[] scores = new double[numbers.length - BEFORE_SCORES];
    in.get(BEFORE_SCORES, scores);
    return new CompletionNumbers(
        in.get(), in.get(), in.get(), in.get(), in.get(), in.get(), in.get(), in.get(), in.get(),
        scores);
  }
}
