package io.plumbline.spark.run;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.Serializable;

/**
 * An output directory as the run sees it that has claimed it. A run whose driver was frozen for
 * longer than its lease may have lost the directory to another, and must not write to it then.
 *
 * @param token of the claim
 */
public record HeldOutput(Storage storage, String output, String token) implements Serializable {
  /**
   * @throws PlumblineException OUTPUT_IN_USE where another run has taken the directory
   */
  public void require() {
    if (!isHeld()) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "Another run has taken %s over, because this one gave no sign of life for longer than its lease: it ends here."
              .formatted(output));
    }
  }

  public boolean isHeld() {
    return OutputClaim.isHeldBy(storage, output, token);
  }
}
