package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.error.PlumblineException;
import io.plumbline.tensor.Torch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Ranks of a test, a thread each, joined by a real ring. */
public final class Gang {
  public static final Duration DEADLINE = Duration.ofSeconds(60);

  private Gang() {}

  /** Runs a rank on each thread, to the end of all. */
  public static void run(int ranks, Consumer<Collective> rank) {
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (Collective collective : LocalRings.create(ranks, DEADLINE)) {
        futures.add(
            threads.submit(
                () -> {
                  Torch.useThreads(1);
                  try (collective) {
                    rank.accept(collective);
                  }
                }));
      }
      for (Future<?> future : futures) {
        future.get(5, TimeUnit.MINUTES);
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof PlumblineException failure) {
        throw failure;
      }
      throw new AssertionError(e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
  }

  /** Keeps what rank 0 reports. */
  public static TrainingObserver observer(List<Map<String, Double>> lines) {
    return new TrainingObserver() {
      @Override
      public void checkInterrupted() {}

      @Override
      public void metrics(Map<String, Double> line) {
        lines.add(new LinkedHashMap<>(line));
      }

      @Override
      public void note(String sentence) {}
    };
  }
}
