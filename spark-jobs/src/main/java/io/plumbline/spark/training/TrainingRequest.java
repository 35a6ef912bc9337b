package io.plumbline.spark.training;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.data.LossOn;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Everything that a training command was asked for, checked and complete.
 *
 * @param model Hugging Face directory of the policy at the start; the reference as well, where the
 *     algorithm has one
 * @param rows what is trained and evaluated on
 * @param output the run's own directory
 * @param referenceCache where reference log-probabilities are kept and shared; by default inside
 *     {@code output}
 * @param maxSteps ends the run after so many steps, whatever {@code epochs} says
 * @param globalBatchSize rows (of preferences: pairs) a step, over all ranks
 * @param microBatchSize rows in one forward pass of a rank; by default as many as fit {@code
 *     microBatchTokens}
 * @param microBatchTokens token budget of one forward pass where {@code microBatchSize} is absent
 * @param maxLength prompt and completion together are cut to so many tokens; absent for no limit
 * @param evalSteps evaluates every so many steps; 0 for only before the first and after the last
 * @param saveSteps training state every so many steps; 0 for only at the end
 * @param threadsPerRank threads that PyTorch uses in a rank; 0 for the task's share of the cores
 * @param device on what kind of device ranks compute
 * @param rollouts how an algorithm that learns from its own completions makes and scores them
 * @param selection which evaluation's weights are the result
 * @param tracking the server that hears of the run besides; empty for none
 */
public record TrainingRequest(
    Algorithm algorithm,
    String model,
    Rows rows,
    String output,
    Optional<String> referenceCache,
    int ranks,
    int threadsPerRank,
    DeviceChoice device,
    long seed,
    OptionalLong maxSteps,
    double epochs,
    int globalBatchSize,
    OptionalInt microBatchSize,
    int microBatchTokens,
    OptimizerSettings optimizer,
    OptionalInt maxLength,
    OptionalInt maxPromptLength,
    Truncation truncation,
    RowOrder rowOrder,
    long evalSteps,
    long saveSteps,
    int keepCheckpoints,
    Start start,
    ComputeDtype computeDtype,
    WeightDtype saveDtype,
    ObjectiveSettings objective,
    Optional<RolloutSettings> rollouts,
    BadRows badRows,
    BadSteps badSteps,
    Selection selection,
    Optional<TrackingSettings> tracking) {

  /**
   * The options that make this request, with the values that files of options take. Whether it goes
   * on with an earlier run is not among them.
   */
  public Map<String, Object> options() {
    return RequestText.of(this);
  }

  /** The model that is trained, as conversations are rendered for it. */
  ModelDirectory openModel(Storage storage) {
    return rows.templates().open(storage, model);
  }

  /** The same with conversations rendered in another way. */
  TrainingRequest with(RunTemplates templates) {
    return new TrainingRequest(
        algorithm,
        model,
        rows.with(templates),
        output,
        referenceCache,
        ranks,
        threadsPerRank,
        device,
        seed,
        maxSteps,
        epochs,
        globalBatchSize,
        microBatchSize,
        microBatchTokens,
        optimizer,
        maxLength,
        maxPromptLength,
        truncation,
        rowOrder,
        evalSteps,
        saveSteps,
        keepCheckpoints,
        start,
        computeDtype,
        saveDtype,
        objective,
        rollouts,
        badRows,
        badSteps,
        selection,
        tracking);
  }

  /**
   * What is trained and evaluated on.
   *
   * @param data files, tables and queries with training rows
   * @param weights a weight for each of them: its share of the rows trained on; empty to train on
   *     every row once an epoch
   * @param evalData held-out rows; empty for none
   * @param evalSplit how much of the training rows is held out
   * @param supervisedOn which text of a row SFT learns from
   * @param lossOn which of its tokens count
   * @param packing whether rows are put together to {@code maxLength} tokens
   * @param columns under which names columns are read, as {@code NAME=COLUMN}
   * @param desirableFrom the least rating of a completion that is good, for labels that are numbers
   * @param templates how conversations are rendered
   */
  public record Rows(
      List<String> data,
      List<Double> weights,
      List<String> evalData,
      Optional<EvalSplit> evalSplit,
      SupervisedOn supervisedOn,
      LossOn lossOn,
      RowPacking packing,
      List<String> columns,
      Optional<Double> desirableFrom,
      RunTemplates templates) {
    Rows with(RunTemplates other) {
      return new Rows(
          data,
          weights,
          evalData,
          evalSplit,
          supervisedOn,
          lossOn,
          packing,
          columns,
          desirableFrom,
          other);
    }

    /** Rows of files as they are. */
    public static Rows of(List<String> data, List<String> evalData) {
      return new Rows(
          data,
          List.of(),
          evalData,
          Optional.empty(),
          SupervisedOn.COMPLETION,
          LossOn.COMPLETION,
          RowPacking.OFF,
          List.of(),
          Optional.empty(),
          RunTemplates.NONE);
    }

    /** Whether anything is held out. */
    public boolean evaluated() {
      return !evalData.isEmpty() || evalSplit.isPresent();
    }
  }

  /** Whether rows are put together. */
  public enum RowPacking {
    OFF,
    /** Best fit, the longest first: TRL's default strategy. */
    BFD
  }

  /** What happens to rows that are longer than the limit. */
  public enum Truncation {
    /** Keeps the first tokens: TRL's default. */
    KEEP_START,
    /** Keeps the last tokens. */
    KEEP_END,
    /** Refuses the row. */
    REFUSE
  }

  /** In which order rows are trained on. */
  public enum RowOrder {
    SHUFFLED,
    AS_GIVEN
  }

  /** Type of the weights in the checkpoint that is saved. */
  public enum WeightDtype {
    F32,
    F16,
    BF16
  }

  /** Which text SFT learns from. */
  public enum SupervisedOn {
    /** The rows' own prompt, completion, messages or text columns. */
    COMPLETION,
    /** The chosen side of preference rows. */
    CHOSEN
  }

  /** When refused rows end the job: past a count, or past a share of all rows. */
  public record BadRows(OptionalLong atMost, double atMostShare) {}
}
