package io.plumbline.spark.cli;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a user is told of an error, found among all that Spark wraps around it.
 *
 * @param unexpected whether this is none of the errors that Plumbline words itself
 */
record Failure(String sentence, int exitStatus, boolean unexpected) {
  // Spark hands over an executor's exception as text where it cannot hand over the object.
  private static final Pattern REMOTE =
      Pattern.compile(Pattern.quote(PlumblineException.class.getName()) + ": ([^\\n]+)");

  static Failure of(Throwable error) {
    Set<Throwable> seen = new HashSet<>();
    String remote = null;
    for (Throwable cause = error; cause != null && seen.add(cause); cause = cause.getCause()) {
      if (cause instanceof PlumblineException known) {
        return new Failure(known.getMessage(), known.code().exitStatus(), false);
      }
      Matcher matcher = REMOTE.matcher(String.valueOf(cause.getMessage()));
      if (remote == null && matcher.find()) {
        remote = matcher.group(1).strip();
      }
    }
    if (remote != null) {
      return new Failure(remote, ErrorCode.INTERNAL.exitStatus(), false);
    }
    if (String.valueOf(error.getMessage()).contains("SparkContext was shut down")) {
      return new Failure(
          "Spark was stopped while the job ran: start the same call again, training commands with"
              + " --resume.",
          ErrorCode.INTERRUPTED.exitStatus(),
          false);
    }
    if (error instanceof OutOfMemoryError) {
      return new Failure(
          "Java ran out of heap: give more by PLUMBLINE_HEAP=4g, or --driver-memory under"
              + " spark-submit.",
          ErrorCode.ENGINE_FAILED.exitStatus(),
          false);
    }
    String message = String.valueOf(error.getMessage()).strip();
    int end = message.indexOf('\n');
    return new Failure(
        error.getClass().getSimpleName()
            + (error.getMessage() == null
                ? ""
                : ": " + (end < 0 ? message : message.substring(0, end))),
        ErrorCode.INTERNAL.exitStatus(),
        true);
  }
}
