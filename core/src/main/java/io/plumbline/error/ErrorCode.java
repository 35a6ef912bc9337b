package io.plumbline.error;

/** What kind of thing went wrong. Every {@link PlumblineException} carries one. */
public enum ErrorCode {
  /**
   * The command line or a configuration file asks for something that does not exist or does not
   * fit.
   */
  BAD_USAGE(2),
  /** A path, table or column that was named is not there or cannot be read. */
  INPUT_NOT_FOUND(2),
  /** Data was read and is not what it should be. */
  BAD_DATA(2),
  /** A checkpoint directory lacks something, or holds what is not supported. */
  BAD_CHECKPOINT(2),
  /** A chat template cannot be parsed or rendered, or went past its limits. */
  BAD_TEMPLATE(2),
  /** The cluster does not offer what the job needs: slots, GPUs, disk, settings. */
  CLUSTER_UNFIT(2),
  /** The output directory is in use by another run or holds a run that does not match. */
  OUTPUT_IN_USE(2),
  /** A rank waited for its peers past the deadline, or a peer went away. */
  GANG_BROKEN(1),
  /** An executor went away with its rank. */
  EXECUTOR_LOST(1),
  /** A number that must be finite is not, or an invariant of the method does not hold. */
  NUMERICS(1),
  /** Reading or writing storage failed. */
  STORAGE_FAILED(1),
  /** PyTorch or the engine below it failed. */
  ENGINE_FAILED(1),
  /** The job was stopped from outside. */
  INTERRUPTED(1),
  /** A tracking server did not take what was to be sent to it. */
  TRACKING_FAILED(1),
  /** Reward functions failed on more rollouts than may. */
  REWARD_FAILED(1),
  /** A mistake in Plumbline itself. */
  INTERNAL(1);

  private final int exitStatus;

  ErrorCode(int exitStatus) {
    this.exitStatus = exitStatus;
  }

  /**
   * What the process exits with: 2 for what the user can fix in the call or the data, 1 otherwise.
   */
  public int exitStatus() {
    return exitStatus;
  }
}
