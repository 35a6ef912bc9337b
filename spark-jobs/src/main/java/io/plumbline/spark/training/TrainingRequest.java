package io.plumbline.spark.training;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.OptimizerSettings;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Everything that a training command was asked for, checked and complete.
 *
 * @param model Hugging Face directory of the policy at the start; DPO's reference as well
 * @param data paths of training data
 * @param evalData paths of held-out data; empty for none
 * @param output the run's own directory
 * @param referenceCache where reference log-probabilities are kept and shared; by default inside
 *     {@code output}
 * @param maxSteps ends the run after so many steps, whatever {@code epochs} says
 * @param globalBatchSize rows (for DPO: pairs) a step, over all ranks
 * @param microBatchSize rows in one forward pass of a rank; by default as many as fit {@code
 *     microBatchTokens}
 * @param microBatchTokens token budget of one forward pass where {@code microBatchSize} is absent
 * @param maxLength prompt and completion together are cut to so many tokens; absent for no limit
 * @param evalSteps evaluates every so many steps; 0 for only before the first and after the last
 * @param saveSteps training state every so many steps; 0 for only at the end
 * @param threadsPerRank threads that PyTorch uses in a rank; 0 for the task's share of the cores
 */
public record TrainingRequest(
    Algorithm algorithm,
    String model,
    List<String> data,
    List<String> evalData,
    String output,
    Optional<String> referenceCache,
    int ranks,
    int threadsPerRank,
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
    double beta,
    BadRows badRows,
    SupervisedOn supervisedOn) {

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

  /** How a run treats an output directory that has something in it. */
  public enum Start {
    /** Refuses to write over another run. */
    FRESH,
    /** Goes on from the newest complete checkpoint, or starts if there is none. */
    RESUME,
    /** Deletes what is there. */
    OVERWRITE
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
