package io.plumbline.spark.cli.pipeline;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.inference.Scoring;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Algorithms;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.storage.Storage;
import java.util.Optional;
import java.util.function.Consumer;

/** The models that stages read from outside their pipeline, looked at before the first stage. */
final class StageModels {
  private StageModels() {}

  /** Adds a problem for each that is there and could not be loaded; reads headers only. */
  static void requireAll(PipelineStage stage, Storage storage, Problems problems) {
    for (StageInputs.Input input : StageInputs.inputs(stage)) {
      Optional<Consumer<ModelDirectory>> check = check(input.option(), stage.command().name());
      try {
        check.ifPresent(use -> use.accept(ModelDirectory.open(storage, input.path())));
      } catch (PlumblineException e) {
        // What is not there is told by another check.
        if (e.code() == ErrorCode.BAD_CHECKPOINT) {
          problems.add(String.format("Stage %s: %s", stage.name(), e.getMessage()));
        }
      }
    }
  }

  /** What an option of a command wants of a model; empty for options that name other things. */
  private static Optional<Consumer<ModelDirectory>> check(String option, String command) {
    return switch (option) {
      case "reward-model", "reward", "cost" -> Optional.of(ScoreModel::check);
      case "critic-model" -> Optional.of(ScoreModel::checkStart);
      case "policy", "reference" -> Optional.of(CausalLm::check);
      case "model" ->
          Optional.of(
              switch (command) {
                case "prepare" -> ModelUse.TOKENIZER::check;
                case "score" -> Scoring::checkHeaders;
                default ->
                    Algorithms.of(command).map(Algorithm::modelUse).orElse(ModelUse.LANGUAGE_MODEL)
                        ::check;
              });
      default -> Optional.empty();
    };
  }
}
