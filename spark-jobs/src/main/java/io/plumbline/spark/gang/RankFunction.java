package io.plumbline.spark.gang;

import io.plumbline.collective.Collective;
import io.plumbline.collective.Membership;
import io.plumbline.collective.RingListener;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.TaskKilledException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** A rank's whole life in its executor: meet the others, run the task, say how it ended. */
final class RankFunction extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
    implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RankFunction.class);

  private final GangTask task;
  private final int ranks;
  private final int attempt;
  private final long deadlineMillis;
  private final byte[] secret;
  private final String feedHost;
  private final int feedPort;

  RankFunction(
      GangTask task,
      int ranks,
      int attempt,
      long deadlineMillis,
      byte[] secret,
      String feedHost,
      int feedPort) {
    this.task = task;
    this.ranks = ranks;
    this.attempt = attempt;
    this.deadlineMillis = deadlineMillis;
    this.secret = secret;
    this.feedHost = feedHost;
    this.feedPort = feedPort;
  }

  @Override
  public Iterator<String> apply(Iterator<Integer> unused) {
    BarrierTaskContext context = BarrierTaskContext.get();
    Outcome outcome = run(context);
    return CollectionConverters.asScala(List.of(outcome.encode()).iterator());
  }

  private Outcome run(BarrierTaskContext context) {
    int rank = context.partitionId();
    try (Publisher publisher = new Publisher(feedHost, feedPort, secret, rank, attempt)) {
      try {
        return new Outcome(rank, attempt, null, work(context, rank, publisher));
      } catch (Exception e) {
        PlumblineException failure = asPlumbline(rank, e);
        Outcome outcome = new Outcome(rank, attempt, failure.code(), failure.getMessage());
        publisher.report(outcome);
        if (isFinal(origin(failure).code()) && !context.isInterrupted()) {
          // As a result, not an exception, so that the first such failure is the one that is told.
          LOG.error("Rank {} failed for good in attempt {}", rank, attempt, e);
          return outcome;
        }
        throw new IllegalStateException(outcome.quote(), e);
      }
    }
  }

  private String work(BarrierTaskContext context, int rank, Publisher publisher) throws Exception {
    String host = host(context, rank);
    try (RingListener listener = RingListener.open(host)) {
      Placement own =
          new Placement(
              listener.address(),
              host,
              DeviceChoice.gpus(context),
              Optional.ofNullable(System.getenv("CUDA_VISIBLE_DEVICES")).orElse(""));
      List<Placement> placements =
          Arrays.stream(context.allGather(own.encode())).map(Placement::decode).toList();
      List<String> addresses = placements.stream().map(Placement::ring).toList();
      Membership membership =
          new Membership(
              rank,
              ranks,
              attempt,
              secret,
              Duration.ofMillis(deadlineMillis),
              context::isInterrupted);
      try (Collective collective = listener.join(membership, addresses)) {
        try {
          String result =
              task.run(new Member(membership, context, collective, publisher, placements));
          return result == null ? "" : result;
        } catch (Throwable e) {
          collective.abandon(asPlumbline(rank, e));
          throw e;
        }
      }
    }
  }

  /** Where the other executors reach this one, as Spark itself knows it. */
  private static String host(BarrierTaskContext context, int rank) {
    String address = context.getTaskInfos()[rank].address();
    int colon = address.lastIndexOf(':');
    String host = colon < 0 ? address : address.substring(0, colon);
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }

  private static PlumblineException asPlumbline(int rank, Throwable e) {
    if (e instanceof PlumblineException known) {
      return known;
    }
    if (e instanceof InterruptedException || e instanceof TaskKilledException) {
      return new PlumblineException(
          ErrorCode.INTERRUPTED, "Rank %d was told to stop.".formatted(rank), e);
    }
    return new PlumblineException(
        ErrorCode.INTERNAL, "Rank %d failed with an unforeseen error: %s".formatted(rank, e), e);
  }

  /** The failure of another rank that set off this one's, if it was told. */
  private static PlumblineException origin(PlumblineException failure) {
    PlumblineException origin = failure;
    while (origin.code() == ErrorCode.GANG_BROKEN
        && origin.getCause() instanceof PlumblineException deeper) {
      origin = deeper;
    }
    return origin;
  }

  /** Whether trying again would only fail again. */
  static boolean isFinal(ErrorCode code) {
    return switch (code) {
      case BAD_USAGE,
          INPUT_NOT_FOUND,
          BAD_DATA,
          BAD_CHECKPOINT,
          BAD_TEMPLATE,
          CLUSTER_UNFIT,
          OUTPUT_IN_USE,
          NUMERICS,
          REWARD_FAILED ->
          true;
      case GANG_BROKEN,
          EXECUTOR_LOST,
          STORAGE_FAILED,
          ENGINE_FAILED,
          INTERRUPTED,
          TRACKING_FAILED,
          INTERNAL ->
          false;
    };
  }

  private record Member(
      Membership membership,
      BarrierTaskContext context,
      Collective collective,
      Publisher publisher,
      List<Placement> placements)
      implements GangMember {
    @Override
    public int rank() {
      return membership.rank();
    }

    @Override
    public int worldSize() {
      return membership.worldSize();
    }

    @Override
    public int attempt() {
      return membership.attempt();
    }

    @Override
    public void checkInterrupted() {
      if (context.isInterrupted()) {
        throw new PlumblineException(
            ErrorCode.INTERRUPTED, "Rank %d was told to stop.".formatted(rank()));
      }
    }

    @Override
    public boolean isAskedToStop() {
      return publisher.isAskedToStop();
    }

    @Override
    public void publish(String line) {
      publisher.publish(line);
    }
  }
}
