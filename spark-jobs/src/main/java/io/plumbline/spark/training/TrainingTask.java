package io.plumbline.spark.training;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.objective.SigmoidPreference;
import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.gang.GangTask;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.train.Dpo;
import io.plumbline.train.LoopSettings;
import io.plumbline.train.Sft;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import java.time.Duration;
import java.util.Optional;

/**
 * What each rank of a training job does: load the policy, run the loop, and on rank 0 write
 * metrics, samples and the result.
 *
 * @param evaluated whether held-out shards were written
 * @param deadline how long a rank waits for its peers in one operation
 */
record TrainingTask(
    Storage storage,
    RunDirectory run,
    String model,
    Algorithm algorithm,
    double beta,
    ComputeDtype computeDtype,
    TrainingRequest.WeightDtype saveDtype,
    int threads,
    boolean evaluated,
    LoopSettings loop,
    Duration deadline)
    implements GangTask {

  /** Rounding alone keeps below these, in nats a token on average. */
  private static final double F32_DRIFT = 1e-4;

  private static final double BF16_DRIFT = 5e-2;

  @Override
  public String run(GangMember member) {
    Torch.useThreads(threads);
    ModelDirectory start = ModelDirectory.open(storage, model);
    TrainingStateStore states = TrainingStateStore.of(storage, run.states());
    CanonicalShards shards = CanonicalShards.open(storage, run.shards("train"));
    Optional<CanonicalShards> held =
        evaluated
            ? Optional.of(CanonicalShards.open(storage, run.shards("eval")))
            : Optional.empty();
    try (CausalLm policy = CausalLm.load(start, CausalLm.Purpose.TRAINING, computeDtype);
        MetricsWriter metrics = MetricsWriter.open(storage, run, states, member)) {
      HeldOutSamples samples = new HeldOutSamples(storage, run, start, held);
      boolean first = member.rank() == 0;
      if (first && states.newest().isEmpty()) {
        samples.write(policy, "before");
      }
      new TrainingLoop(
              policy, method(), member.collective(), shards, held, loop, states, metrics, deadline)
          .run();
      if (first) {
        samples.write(policy, "after");
        Checkpoints.write(storage, run.checkpoint(), start, policy, saveDtype);
      }
      member.collective().barrier();
      return run.checkpoint();
    }
  }

  private TrainingMethod method() {
    return switch (algorithm) {
      case SFT -> new Sft();
      case DPO ->
          new Dpo(
              new SigmoidPreference(beta),
              beta,
              computeDtype == ComputeDtype.BF16 ? BF16_DRIFT : F32_DRIFT);
    };
  }
}
