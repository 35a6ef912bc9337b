package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import org.junit.jupiter.api.Test;

class FailureTest {
  @Test
  void aPlumblineExceptionBelowOthersIsWhatTheUserReads() {
    Throwable wrapped =
        new RuntimeException(
            "Job aborted",
            new IllegalStateException(
                new PlumblineException(ErrorCode.BAD_DATA, "Row 3 is broken: mend it.")));

    assertThat(Failure.of(wrapped)).isEqualTo(new Failure("Row 3 is broken: mend it.", 2, false));
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

  @Test
  void anythingElseIsItsFirstLine() {
    Failure failure = Failure.of(new IllegalStateException("first\nsecond"));

    assertThat(failure).isEqualTo(new Failure("IllegalStateException: first", 1, true));
    Throwable circular = new RuntimeException("a");
    circular.initCause(new RuntimeException("b", circular));
    assertThat(Failure.of(circular).sentence()).isEqualTo("RuntimeException: a");
  }
}
