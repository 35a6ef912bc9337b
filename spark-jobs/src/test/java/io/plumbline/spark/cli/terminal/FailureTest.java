package io.plumbline.spark.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailureTest {
  @Test
  void aPlumblineExceptionBelowOthersIsWhatTheUserReads() {
    Throwable wrapped =
        new RuntimeException(
            "Job aborted",
            new IllegalStateException(
                new PlumblineException(ErrorCode.BAD_DATA, "Row 3 is broken: fix it.")));

    assertThat(Failure.of(wrapped)).isEqualTo(new Failure("Row 3 is broken: fix it.", 2, false));
  }

  @Test
  void anExecutorsExceptionIsFoundInSparksText() {
    Throwable aborted =
        new RuntimeException(
            "Job aborted due to stage failure: lost task 0.3 (host executor 1):"
                + " io.plumbline.error.PlumblineException: A peer went away: look at rank 1's"
                + " log.\n\tat io.plumbline.Ring.read(Ring.java:1)\n");

    assertThat(Failure.of(aborted))
        .isEqualTo(new Failure("A peer went away: look at rank 1's log.", 1, false));
  }

  @Test
  void aJobThatWasStoppedFromOutsideSaysHowToGoOn() {
    Failure failure =
        Failure.of(new RuntimeException("Job 10 cancelled because SparkContext was shut down"));

    assertThat(failure.sentence()).contains("--resume");
    assertThat(failure.exitStatus()).isEqualTo(1);
  }

  /** As Spark, Hadoop, Java and PyTorch have been seen to say it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3 in stage 1.0 (TID 4) (10.0.0.1 executor 1): java.io.IOException: No space left on device | A disk is full
          java.lang.RuntimeException: [enforce fail at alloc_cpu.cpp:115] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes | PyTorch ran out of the machine's memory
          CUDA out of memory. Tried to allocate 2.00 GiB | The GPU ran out of memory
          ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Command exited with code 137 | An executor was killed (137): out of memory, or preempted by its host
          ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Container from a bad node. Exit status: 137 | An executor was killed (137): out of memory, or preempted by its host
          ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Container killed by YARN for exceeding physical memory limits. 5.5 GB of 5.5 GB physical memory used. Exit status: 137 | An executor was killed for its memory
          ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: The executor with id 4 exited with exit code 137(SIGKILL, possible container OOM), reason OOMKilled | An executor was killed for its memory
          ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Remote RPC client disassociated. | Spark lost executors
          Lost task 0.0 in stage 0.0: java.lang.OutOfMemoryError: Java heap space | Java ran out of heap
          Lost task 0.0 in stage 0.0: java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory | The system refused another thread
          java.lang.OutOfMemoryError: Direct buffer memory | Java ran out of direct memory
          org.apache.hadoop.security.AccessControlException: Permission denied: user=anna, access=WRITE, inode="/runs" | Permission denied: user=anna, access=WRITE, inode="/runs"
          java.lang.NoSuchMethodError: 'void org.apache.spark.X.y()' | Classes do not fit together (NoSuchMethodError: 'void org.apache.spark.X.y()')
          java.net.UnknownHostException: head | A host cannot be reached (UnknownHostException: head)
          java.net.SocketTimeoutException: Read timed out | A connection broke
          """)
  void whatLiesBelowIsToldWithItsMend(String said, String sentence) {
    PlumblineException vague =
        new PlumblineException(
            ErrorCode.GANG_BROKEN,
            "Spark gave up on the gang of 2 ranks: Job aborted.",
            new IllegalStateException(said));
    for (Throwable error :
        List.of(new RuntimeException("wrapped", new IllegalStateException(said)), vague)) {
      Failure failure = Failure.of(error);

      assertThat(failure.sentence()).contains(sentence).endsWith(".").hasLineCount(1);
      assertThat(failure.unexpected()).isFalse();
    }
  }

  @Test
  void errorsOfTheMachineAreToldWhereTheyAreThrownHere() {
    assertThat(Failure.of(new OutOfMemoryError("Java heap space")).sentence())
        .contains("PLUMBLINE_HEAP");
    assertThat(Failure.of(new StackOverflowError()).sentence()).contains("nested too deeply");
    assertThat(Failure.of(new NoClassDefFoundError("org/apache/X")).sentence())
        .contains("NoClassDefFoundError: org/apache/X");
    // What Plumbline knows itself is better than what is guessed from its cause.
    assertThat(
            Failure.of(
                    new PlumblineException(
                        ErrorCode.STORAGE_FAILED,
                        "This user may not write /runs; grant the right or name another path.",
                        new IllegalStateException("Permission denied")))
                .sentence())
        .startsWith("This user may not write /runs");
  }

  @Test
  void anythingElseIsItsFirstLine() {
    Failure failure = Failure.of(new IllegalStateException("first\nsecond"));

    assertThat(failure)
        .isEqualTo(
            new Failure(
                "an error that was not foreseen, IllegalStateException: first: run the same call"
                    + " with --verbose, and report it with what that shows.",
                1,
                true));
    Throwable circular = new RuntimeException("a");
    circular.initCause(new RuntimeException("b", circular));
    assertThat(Failure.of(circular).sentence()).contains("not foreseen, RuntimeException: a:");
  }
}
