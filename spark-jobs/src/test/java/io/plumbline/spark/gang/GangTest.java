package io.plumbline.spark.gang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.reference.LocalSpark;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Gangs on an embedded local Spark: four ranks, threads of this process. */
@Timeout(90)
class GangTest {
  private static final Gang.Settings FOUR = new Gang.Settings(4, Duration.ofSeconds(20));

  private static final Endurance ENDURANCE =
      new Endurance(4, Duration.ZERO, 4, List.of(Duration.ofMillis(10)));

  /** Runs of the rank that fails; its peers may be stopped before theirs begin. */
  private static final AtomicInteger RUNS = new AtomicInteger();

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = LocalSpark.withSlots(4);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static PlumblineException failureOf(GangTask task) {
    RUNS.set(0);
    try {
      String result =
          Gang.run(spark, FOUR, ENDURANCE, Journal.NONE, new StopRequest(), task, line -> {});
      throw new AssertionError("should have failed, gave " + result);
    } catch (PlumblineException e) {
      return e;
    }
  }

  @Test
  void ranksSumPublishAndReturn() {
    List<String> lines = new ArrayList<>();
    Set<String> threads = new HashSet<>();
    String result =
        Gang.run(
            spark,
            FOUR,
            member -> {
              member.checkInterrupted();
              FloatBuffer values = FloatBuffer.allocate(50_000);
              values.put(7, member.rank() + 1);
              member.collective().allReduceSum(values);
              for (int step = 0; step < 100; step++) {
                member.publish(member.rank() + " step " + step);
              }
              return "%d of %d, attempt %d, sum %.0f, gpu %s"
                  .formatted(
                      member.rank(),
                      member.worldSize(),
                      member.attempt(),
                      values.get(7),
                      member.placements().get(member.rank()).gpus());
            },
            line -> {
              lines.add(line);
              threads.add(Thread.currentThread().getName());
            });
    assertThat(result).isEqualTo("0 of 4, attempt 0, sum 10, gpu []");
    assertThat(threads).hasSize(1);
    for (int rank = 0; rank < 4; rank++) {
      String prefix = rank + " ";
      List<String> own = lines.stream().filter(line -> line.startsWith(prefix)).toList();
      assertThat(own).hasSize(100);
      assertThat(own.get(99)).isEqualTo(rank + " step 99");
      assertThat(own.get(0)).isEqualTo(rank + " step 0");
    }
  }

  @Test
  void membersHearThatTheyAreToStop() {
    for (boolean before : new boolean[] {true, false}) {
      StopRequest stop = new StopRequest();
      assertThat(stop.ask("too early")).isFalse();
      StopRequest asked = before ? stop : new StopRequest();
      String result =
          Gang.run(
              spark,
              FOUR,
              ENDURANCE,
              Journal.NONE,
              asked,
              member -> {
                double[] heard = {0};
                for (int step = 0; heard[0] == 0; step++) {
                  member.checkInterrupted();
                  member.publish("step " + step);
                  heard[0] = member.isAskedToStop() ? 1 : 0;
                  member.collective().allReduceSum(heard);
                  Thread.sleep(5);
                }
                return "stopped";
              },
              line -> {
                if (!before) {
                  assertThat(asked.ask("SIGTERM")).isTrue();
                }
              });
      assertThat(result).isEqualTo("stopped");
      assertThat(asked.reason()).contains(before ? "too early" : "SIGTERM");
      assertThat(asked.ask("afterwards")).isFalse();
    }
  }

  @Test
  void linesArriveWhileTheGangRuns() throws Exception {
    CountDownLatch heard = HEARD;
    String result =
        Gang.run(
            spark,
            FOUR,
            member -> {
              if (member.rank() == 2) {
                member.publish("now");
              }
              return HEARD.await(20, TimeUnit.SECONDS) ? "heard" : "not heard";
            },
            line -> heard.countDown());
    assertThat(result).isEqualTo("heard");
  }

  private static final CountDownLatch HEARD = new CountDownLatch(1);

  @Test
  void aFailureThatIsFinalIsNotTriedAgainAndKeepsItsCodeAndSentence() {
    PlumblineException failure =
        failureOf(
            member -> {
              if (member.rank() == 2) {
                RUNS.incrementAndGet();
                throw new PlumblineException(
                    ErrorCode.BAD_DATA, "Shard 7 ends early: run prepare again.");
              }
              member.collective().allReduceSum(new double[] {1});
              return "";
            });
    assertThat(failure.code()).isEqualTo(ErrorCode.BAD_DATA);
    assertThat(failure).hasMessage("Shard 7 ends early: run prepare again.");
    assertThat(RUNS.get()).isEqualTo(1);
  }

  @Test
  void aFailureThatMayPassIsTriedAgain() {
    RUNS.set(0);
    List<String> lines = new ArrayList<>();
    String result =
        Gang.run(
            spark,
            FOUR,
            member -> {
              member.publish("rank " + member.rank() + " attempt " + member.attempt());
              if (member.rank() == 1 && member.attempt() == 0) {
                throw new PlumblineException(ErrorCode.STORAGE_FAILED, "The store is away.");
              }
              member.collective().barrier();
              return "attempt " + member.attempt();
            },
            lines::add);
    assertThat(result).isEqualTo("attempt 1");
    assertThat(lines)
        .contains("rank 0 attempt 1", "rank 1 attempt 1", "rank 2 attempt 1", "rank 3 attempt 1");
  }

  @Test
  void whatNeverPassesEndsWithItsOwnSentenceAfterAllAttempts() {
    PlumblineException failure =
        failureOf(
            member -> {
              if (member.rank() == 3) {
                RUNS.incrementAndGet();
                throw new PlumblineException(ErrorCode.STORAGE_FAILED, "The store is away.");
              }
              member.collective().barrier();
              return "";
            });
    assertThat(failure.code()).isEqualTo(ErrorCode.STORAGE_FAILED);
    assertThat(failure).hasMessage("The store is away.");
    assertThat(RUNS.get()).isEqualTo(4);
  }

  /** A driver that knows how far the work is kept. */
  private static class Kept implements Journal {
    private final AtomicInteger kept = new AtomicInteger();
    final List<Restart> restarts = new ArrayList<>();
    final List<String> notes = new ArrayList<>();

    @Override
    public long kept() {
      return kept.get();
    }

    @Override
    public boolean isUnfinished(String result) {
      return false;
    }

    @Override
    public void startsAgain(Restart restart) {
      restarts.add(restart);
    }

    @Override
    public void note(String sentence) {
      notes.add(sentence);
    }
  }

  @Test
  void attemptsAreCountedAnewAfterProgress() {
    Kept journal = new Kept();
    String result =
        Gang.run(
            spark,
            FOUR,
            new Endurance(2, Duration.ZERO, 4, List.of(Duration.ofMillis(10))),
            journal,
            new StopRequest(),
            member -> {
              if (member.rank() == 0 && member.attempt() < 6) {
                member.publish("saved");
                throw new PlumblineException(ErrorCode.STORAGE_FAILED, "The store is away.");
              }
              member.collective().barrier();
              return "attempt " + member.attempt();
            },
            line -> journal.kept.incrementAndGet());
    assertThat(result).isEqualTo("attempt 6");
    assertThat(journal.restarts).hasSize(6);
    assertThat(journal.restarts.get(5))
        .isEqualTo(new Journal.Restart(7, 4, 6, "The store is away."));
  }

  @Test
  void attemptsWithoutProgressEndTheGangAndSaySo() {
    Kept journal = new Kept();
    assertThatThrownBy(
            () ->
                Gang.run(
                    spark,
                    FOUR,
                    new Endurance(3, Duration.ZERO, 4, List.of(Duration.ofMillis(10))),
                    journal,
                    new StopRequest(),
                    member -> {
                      if (member.rank() == 0) {
                        if (member.attempt() == 0) {
                          member.publish("saved");
                        }
                        throw new PlumblineException(ErrorCode.STORAGE_FAILED, "Away.");
                      }
                      member.collective().barrier();
                      return "";
                    },
                    line -> journal.kept.incrementAndGet()))
        .hasMessage("Away.");
    assertThat(journal.restarts.stream().map(Journal.Restart::attempt)).containsExactly(2, 3, 4);
    assertThat(journal.notes)
        .containsExactly("Given up: 3 attempts in a row failed without a newer training state.");
  }

  @Test
  void aGangThatIsAskedToStopIsNotTriedAgain() {
    StopRequest stop = new StopRequest();
    Kept journal = new Kept();
    assertThatThrownBy(
            () ->
                Gang.run(
                    spark,
                    FOUR,
                    new Endurance(4, Duration.ZERO, 4, List.of(Duration.ofMinutes(5))),
                    journal,
                    stop,
                    member -> {
                      if (member.rank() == 0) {
                        member.publish("fails");
                        throw new PlumblineException(ErrorCode.STORAGE_FAILED, "Away.");
                      }
                      member.collective().barrier();
                      return "";
                    },
                    line -> new Thread(() -> stop.ask("SIGTERM")).start()))
        .hasMessage(
            "The run was stopped by SIGTERM and not tried again after a failure (Away): continue by"
                + " the same call with --resume.")
        .satisfies(
            e -> assertThat(((PlumblineException) e).code()).isEqualTo(ErrorCode.INTERRUPTED));
    assertThat(journal.restarts).isEmpty();
    assertThat(stop.ask("afterwards")).isFalse();
  }

  @Test
  void pausesGrowUntilThereIsProgress() {
    Endurance endurance = new Endurance(9, Duration.ZERO, 1);
    assertThat(
            java.util.stream.IntStream.rangeClosed(0, 6)
                .mapToLong(fruitless -> endurance.pauseAfter(fruitless).toSeconds()))
        .containsExactly(1L, 1L, 5L, 15L, 60L, 60L, 60L);
  }

  @Test
  void memoryIsBlamedOnlyWithEvidence() {
    PlumblineException killed = LostExecutors.failure("Command exited with code 137", null);
    assertThat(killed.code().exitStatus()).isEqualTo(1);
    assertThat(killed).hasMessageContaining("killed (137): out of memory, or preempted");
    PlumblineException limit =
        LostExecutors.failure(
            "Container killed by YARN for exceeding memory limits. 5.5 GB used; exit code 137",
            null);
    assertThat(limit).hasMessageContaining("killed for its memory");
    assertThat(LostExecutors.failure("Remote RPC client disassociated.", null))
        .hasMessageStartingWith("An executor was lost (Remote RPC client disassociated): ");
    assertThat(
            LostExecutors.quotedIn(
                "Could not recover from a failed barrier ResultStage.\nExecutorLostFailure"
                    + " (executor 1 exited caused by one of the running tasks) Reason: Command"
                    + " exited with code 137\nDriver stacktrace:",
                null))
        .hasValueSatisfying(e -> assertThat(e).hasMessageContaining("(137)"));
  }

  @Test
  void aListenerThatThrowsEndsTheJob() {
    assertThatThrownBy(
            () ->
                Gang.run(
                    spark,
                    FOUR,
                    member -> {
                      member.publish("line");
                      for (int i = 0; i < 300; i++) {
                        Thread.sleep(100);
                        member.checkInterrupted();
                      }
                      return "";
                    },
                    line -> {
                      throw new PlumblineException(ErrorCode.STORAGE_FAILED, "The disk is full.");
                    }))
        .isInstanceOf(PlumblineException.class)
        .hasMessage("The disk is full.");
  }

  @Test
  void interruptingTheDriverStopsTheRanks() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread driver =
        new Thread(
            () -> {
              try {
                Gang.run(
                    spark,
                    FOUR,
                    member -> {
                      STARTED.countDown();
                      try {
                        // Rank 0 waits for the others inside the collective.
                        if (member.rank() == 0) {
                          member.collective().barrier();
                        }
                        while (true) {
                          Thread.sleep(50);
                          member.checkInterrupted();
                        }
                      } finally {
                        ENDED.countDown();
                      }
                    },
                    line -> {});
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    driver.start();
    assertThat(STARTED.await(30, TimeUnit.SECONDS)).isTrue();
    driver.interrupt();
    driver.join(20_000);
    assertThat(failure.get()).isInstanceOf(PlumblineException.class);
    assertThat(((PlumblineException) failure.get()).code()).isEqualTo(ErrorCode.INTERRUPTED);
    assertThat(ENDED.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private static final CountDownLatch STARTED = new CountDownLatch(4);
  private static final CountDownLatch ENDED = new CountDownLatch(4);

  @Test
  void tooFewSlotsAreNamedBeforeAnyWork() {
    assertThatThrownBy(() -> Gang.check(spark, 5))
        .isInstanceOf(PlumblineException.class)
        .hasMessage(
            "5 ranks were asked for, but local[4] has 4 slots: use --master local[5] or --ranks 4.");
    Gang.check(spark, 4);
  }

  @Test
  void aStrangerCannotFeedTheListener() throws Exception {
    ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
    byte[] secret = new byte[32];
    SparkConf conf = new SparkConf(false).set("spark.driver.host", "127.0.0.1");
    try (Feed feed = Feed.open(conf, secret, heard::add, () -> {})) {
      try (Socket stranger = new Socket(InetAddress.getLoopbackAddress(), feed.port())) {
        stranger.setSoTimeout(5_000);
        DataInputStream in = new DataInputStream(stranger.getInputStream());
        assertThat(in.readLong()).isEqualTo(FeedProtocol.MAGIC);
        in.readFully(new byte[FeedProtocol.NONCE]);
        ByteArrayOutputStream unproven = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(unproven);
        out.write(new byte[8 + FeedProtocol.NONCE + FeedProtocol.PROOF]);
        out.writeByte(FeedProtocol.LINE);
        out.writeInt(4);
        out.writeBytes("evil");
        // In one piece: after the proof the feed hangs up, and a later write would find it gone.
        stranger.getOutputStream().write(unproven.toByteArray());
        assertThat(endOf(in)).isTrue();
      }
      try (Publisher late = new Publisher("127.0.0.1", feed.port(), secret, 0, 1)) {
        late.publish("attempt 1");
        waitFor(heard, 1);
        try (Publisher stale = new Publisher("127.0.0.1", feed.port(), secret, 0, 0)) {
          stale.publish("attempt 0");
        }
        late.publish("attempt 1 again");
        waitFor(heard, 2);
      }
      feed.finish();
    }
    assertThat(heard).containsExactly("attempt 1", "attempt 1 again");
  }

  private static boolean endOf(DataInputStream in) throws Exception {
    try {
      return in.read() < 0;
    } catch (java.net.SocketException e) {
      // Closing with unread bytes resets the connection.
      return true;
    }
  }

  private static void waitFor(ConcurrentLinkedQueue<String> heard, int count) throws Exception {
    for (int i = 0; i < 200 && heard.size() < count; i++) {
      Thread.sleep(25);
    }
    assertThat(heard).hasSize(count);
  }

  @Test
  void publishingWithoutADriverDropsTheOldestAndNeverWaits() {
    long start = System.nanoTime();
    Publisher publisher = new Publisher("127.0.0.1", 1, new byte[32], 0, 0);
    for (int i = 0; i < 25_000; i++) {
      publisher.publish("line " + i);
    }
    assertThat(System.nanoTime() - start).isLessThan(3_000_000_000L);
    assertThat(publisher.dropped()).isEqualTo(15_000);
    publisher.close();
    assertThat(publisher.dropped()).isEqualTo(25_000);
  }

  @Test
  void outcomesSurviveSparksText() {
    Outcome outcome = new Outcome(2, 1, ErrorCode.GANG_BROKEN, "Rang 1 – weg, \"so\": (x)\n2");
    assertThat(Outcome.quotedIn("Job aborted: " + outcome.quote() + "\n\tat x.y"))
        .contains(outcome);
    assertThat(Outcome.decode(new Outcome(0, 0, null, "").encode()).isFailure()).isFalse();
  }
}
