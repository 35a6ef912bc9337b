package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;

/**
 * Makes reward functions of one kind. Registered in {@code
 * META-INF/services/io.plumbline.reward.RewardFunctionFactory}.
 */
public interface RewardFunctionFactory {
  /** The kind's name, as {@code --reward} has it. */
  String kind();

  /**
   * Makes a function; called once on each rank, and once on the driver to find mistakes before any
   * work.
   *
   * @param options what stands behind the name, a JSON object
   * @throws io.plumbline.error.PlumblineException BAD_USAGE where the options are not understood,
   *     with a sentence that says which are
   */
  RewardFunction create(ObjectNode options, Storage storage);
}
