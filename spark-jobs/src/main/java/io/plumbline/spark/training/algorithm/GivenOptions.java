package io.plumbline.spark.training.algorithm;

import io.plumbline.error.PlumblineException;
import java.util.Optional;

/** What a command was given, for the checks that only its algorithm can make. */
public interface GivenOptions {
  /** Whether an option was given. */
  boolean has(String option);

  /** Whether it was given with another value than its standard one. */
  boolean changes(String option);

  /** The value that was given, or the standard one; empty where there is neither. */
  <T> Optional<T> value(Class<T> type, String option);

  /** Adds a problem: what is wrong, and how to fix it. */
  void refuse(String sentence);

  /** Adds what a failure says, which has options as TRL writes them. */
  void refuse(PlumblineException failure);
}
