package io.plumbline.spark.training;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.model.LoraSettings;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.algorithm.RolloutSettings;
import io.plumbline.storage.Storage;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that a training command was asked for, checked and complete.
 *
 * @param objective what is set by options that other algorithms do not have
 * @param lora whether an adapter is trained in place of all weights
 * @param templates how conversations are rendered
 * @param tracking the server that hears of the run besides; empty for none
 */
public record TrainingRequest(
    FileSettings files,
    AlgorithmSettings objective,
    BatchSettings batch,
    LoraSettings lora,
    OptimizerSettings optimizer,
    LengthSettings lengths,
    RunTemplates templates,
    SavingSettings saving,
    ClusterSettings cluster,
    Optional<TrackingSettings> tracking) {

  /**
   * The options that make this request, with the values that files of options take. Whether it
   * continues with an earlier run is not among them.
   */
  public Map<String, Object> options() {
    return TrainingOptions.values(this);
  }

  /** What is run. */
  public Algorithm algorithm() {
    return objective.algorithm();
  }

  /** How an algorithm that learns from its own completions makes and scores them. */
  Optional<RolloutSettings> rollouts() {
    return objective.rollouts();
  }

  /**
   * The model that is trained, as conversations are rendered for it; with the adapter that is
   * trained further.
   */
  ModelDirectory openModel(Storage storage) {
    ModelDirectory model = templates.open(storage, files.model());
    return lora.continues() ? model.with(Adapter.open(storage, lora.adapter())) : model;
  }

  /** This request with conversations rendered in another way. */
  TrainingRequest with(RunTemplates other) {
    return new TrainingRequest(
        files, objective, batch, lora, optimizer, lengths, other, saving, cluster, tracking);
  }
}
