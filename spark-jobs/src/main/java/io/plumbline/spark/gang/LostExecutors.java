package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;

/**
 * Why executors were lost, as Spark says it. A rank whose peer goes away hears of it before Spark
 * does, and cannot know why.
 */
public final class LostExecutors extends SparkListener {
  /** A limit on memory that was gone past. An exit status of 137 is none: it is any SIGKILL. */
  public static final String LIMIT_PATTERN =
      "(?i)exceeding (physical |virtual )?memory limits|beyond the '?(physical|virtual)'? memory"
          + " limit|OOMKilled";

  /** How Spark words that a process was ended by SIGKILL. */
  public static final String KILLED_PATTERN =
      "(?i)exit(ed with)? (code|status):? ?137|Container killed";

  /** Of an executor that ran out of memory. */
  public static final String MEMORY =
      "An executor was killed for its memory: give a larger spark.executor.memoryOverhead, in which"
          + " PyTorch's memory lies, or take a smaller --micro-batch-tokens.";

  /** Of an executor that was killed for no known reason. */
  public static final String KILLED =
      "An executor was killed (137): out of memory, or preempted by its host. The host's log says"
          + " which; where it was memory, give a larger spark.executor.memoryOverhead or take a"
          + " smaller --micro-batch-tokens. Training commands continue by --resume.";

  private static final Pattern OUT_OF_MEMORY = Pattern.compile(LIMIT_PATTERN + "|OutOfMemoryError");
  private static final Pattern WAS_KILLED = Pattern.compile(KILLED_PATTERN);
  private static final Pattern QUOTED =
      Pattern.compile("ExecutorLostFailure \\([^)]*\\) Reason: ([^\\n]+)");

  private final List<String> reasons = new ArrayList<>();

  @Override
  public synchronized void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    reasons.add(String.valueOf(event.reason()));
    notifyAll();
  }

  /** The failure of the executors that were lost; waits for a while until Spark hears of one. */
  synchronized Optional<PlumblineException> failureWithin(Duration wait, Throwable cause)
      throws InterruptedException {
    long deadline = System.nanoTime() + wait.toNanos();
    while (reasons.isEmpty()) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return Optional.empty();
      }
      wait(left);
    }
    return Optional.of(failure(String.join("; ", reasons), cause));
  }

  /** The failure that the text of Spark's exception tells of. */
  static Optional<PlumblineException> quotedIn(String text, Throwable cause) {
    Matcher matcher = QUOTED.matcher(text);
    return matcher.find() ? Optional.of(failure(matcher.group(1), cause)) : Optional.empty();
  }

  static PlumblineException failure(String reason, Throwable cause) {
    if (OUT_OF_MEMORY.matcher(reason).find()) {
      return new PlumblineException(ErrorCode.CLUSTER_UNFIT, MEMORY, cause);
    }
    if (WAS_KILLED.matcher(reason).find()) {
      return new PlumblineException(ErrorCode.EXECUTOR_LOST, KILLED, cause);
    }
    return new PlumblineException(
        ErrorCode.EXECUTOR_LOST,
        "An executor was lost (%s): its log says why. Training commands continue by --resume."
            .formatted(reason.lines().findFirst().orElse("").strip().replaceFirst("[.:]$", "")),
        cause);
  }
}
