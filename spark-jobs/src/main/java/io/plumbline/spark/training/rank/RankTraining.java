package io.plumbline.spark.training.rank;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.CausalLm;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenModel;
import io.plumbline.model.TrainedModel;
import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.run.HeldOutput;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.NoColumns;
import io.plumbline.train.Rank;
import io.plumbline.train.TokenMethod;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The training of a run as one of its ranks sees it: from the model at the start to the checkpoint,
 * with samples of held-out rows before and after, which rank 0 writes.
 *
 * @param claim on the output directory
 * @param start the model that is trained
 * @param evaluated whether held-out shards were written
 */
public record RankTraining(
    Storage storage,
    RunDirectory run,
    HeldOutput claim,
    ModelDirectory start,
    boolean evaluated,
    RankSettings settings,
    GangMember member) {

  /** Trains a language model on the run's rows. */
  public LoopOutcome onRows(TokenMethod method) {
    return policy(policy -> loop(new TokenModel(policy, method.statistics()), method));
  }

  /** Trains a language model in some way, from the newest state or the start. */
  public LoopOutcome policy(Function<CausalLm, LoopOutcome> training) {
    try (StartedModels<CausalLm> started = StartedModels.policy(storage, start, settings)) {
      CausalLm policy = started.model();
      return sampled(
          (samples, moment) -> samples.write(policy, moment),
          () -> training.apply(policy),
          () -> policy.write(storage, run.checkpoint(), start, settings.saved()));
    }
  }

  /** Trains a model with a head that scores completions, on the run's rows. */
  public LoopOutcome scorer(TrainingMethod<NoColumns, List<float[]>, List<float[]>> method) {
    try (StartedModels<ScoreModel> started = StartedModels.scorer(storage, start, settings)) {
      ScoreModel scores = started.model();
      return sampled(
          (samples, moment) -> samples.write(scores, moment),
          () -> loop(scores, method),
          () -> scores.write(storage, run.checkpoint(), start, settings.saved()));
    }
  }

  /** Trains; rank 0 samples held-out rows before the first step and at the end, and writes. */
  private LoopOutcome sampled(
      BiConsumer<HeldOutSamples, String> sampling,
      Supplier<LoopOutcome> training,
      Runnable writing) {
    HeldOutSamples samples = new HeldOutSamples(storage, run, start, held());
    if (isFirst() && states().steps().isEmpty()) {
      sampling.accept(samples, "before");
    }
    LoopOutcome outcome = training.get();
    if (isFirst() && !outcome.isInterrupted()) {
      sampling.accept(samples, "after");
      claim.require();
      writing.run();
    }
    return outcome;
  }

  private <V, G> LoopOutcome loop(
      TrainedModel<V, G> trained, TrainingMethod<NoColumns, V, G> method) {
    try (MetricsWriter metrics = metrics()) {
      return TrainingLoop.onShards(
              trained, method, shards("train"), held(), settings.loop(), states(), rank(metrics))
          .run();
    }
  }

  /** Whether it is rank 0, which writes. */
  public boolean isFirst() {
    return member.rank() == 0;
  }

  /** What the loop tells of its steps; to be closed. */
  public MetricsWriter metrics() {
    return new MetricsWriter(storage, run.metrics(), claim, member);
  }

  public Rank rank(MetricsWriter metrics) {
    return new Rank(member.collective(), settings.deadline(), metrics);
  }

  /** Rows that were written for ranks, by their name. */
  public CanonicalShards shards(String name) {
    return CanonicalShards.open(storage, run.shards(name));
  }

  /** Held-out rows, where there are any. */
  public Optional<CanonicalShards> held() {
    return evaluated ? Optional.of(shards("eval")) : Optional.empty();
  }

  public TrainingStateStore states() {
    return TrainingStateStore.of(storage, run.states());
  }
}
