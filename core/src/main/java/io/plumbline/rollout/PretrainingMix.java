package io.plumbline.rollout;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.StepBatch;
import io.plumbline.train.StepFeed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Rollouts with rows of written shards beside them in each step: PPO-ptx. */
public final class PretrainingMix implements StepFeed<RolloutColumns> {
  private final Rollouts rollouts;
  private final CanonicalShards shards;
  private final Collective collective;
  private CanonicalShards.StepReader reader;
  private long next;

  /**
   * @param shards with at least as many steps as there are updates
   */
  public PretrainingMix(Rollouts rollouts, CanonicalShards shards, Collective collective) {
    this.rollouts = rollouts;
    this.shards = shards;
    this.collective = collective;
  }

  @Override
  public long steps() {
    return rollouts.steps();
  }

  @Override
  public double epochs(long steps) {
    return rollouts.epochs(steps);
  }

  @Override
  public void goTo(long steps, ObjectNode state) {
    rollouts.goTo(steps, state);
    reader = shards.reader(collective.rank(), collective.worldSize(), steps);
    next = steps;
  }

  @Override
  public StepBatch<RolloutColumns> batch(long step) {
    StepBatch<RolloutColumns> batch = rollouts.batch(step);
    List<TokenizedRow> rows = new ArrayList<>(batch.rows());
    // A phase that was left early took its pretraining rows along.
    for (; next < step; next++) {
      reader.next();
    }
    rows.addAll(reader.next());
    next++;
    return new StepBatch<>(rows, batch.columns());
  }

  @Override
  public long nextRest(long steps) {
    return rollouts.nextRest(steps);
  }

  @Override
  public boolean begins(long step) {
    return rollouts.begins(step);
  }

  @Override
  public ObjectNode state() {
    return rollouts.state();
  }

  @Override
  public Map<String, Double> metrics() {
    return rollouts.metrics();
  }

  @Override
  public void close() {
    try (rollouts) {
      if (reader != null) {
        reader.close();
      }
    }
  }
}
