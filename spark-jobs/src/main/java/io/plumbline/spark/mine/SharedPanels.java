package io.plumbline.spark.mine;

import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Reward functions that the tasks of one process hand on to each other, so that a reward model is
 * loaded once a slot and not once a task. A panel is used by one task at a time, and closed a while
 * after the last has given it back.
 */
final class SharedPanels {
  private static final Duration LINGER = Duration.ofSeconds(20);
  private static final ScheduledExecutorService CLOSER =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "plumbline-shared-panels");
            thread.setDaemon(true);
            return thread;
          });

  /** By run, so that none outlives a change of what it was made from. */
  private static final Map<String, Deque<Idle>> IDLE = new HashMap<>();

  /** A panel since it was given back. Compared by identity. */
  private static final class Idle {
    final RewardPanel panel;

    Idle(RewardPanel panel) {
      this.panel = panel;
    }
  }

  private SharedPanels() {}

  /** A panel that nobody else uses until it is given back, or closed where it may be broken. */
  static RewardPanel take(String run, List<RewardSpec> specs, Storage storage) {
    synchronized (IDLE) {
      Deque<Idle> idle = IDLE.get(run);
      if (idle != null && !idle.isEmpty()) {
        return idle.pop().panel;
      }
    }
    return RewardPanel.open(specs, storage);
  }

  static void giveBack(String run, RewardPanel panel) {
    Idle given = new Idle(panel);
    synchronized (IDLE) {
      IDLE.computeIfAbsent(run, r -> new ArrayDeque<>()).push(given);
    }
    var unused =
        CLOSER.schedule(
            () -> {
              if (remove(run, given)) {
                panel.close();
              }
            },
            LINGER.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private static boolean remove(String run, Idle given) {
    synchronized (IDLE) {
      Deque<Idle> idle = IDLE.get(run);
      boolean removed = idle != null && idle.remove(given);
      if (idle != null && idle.isEmpty()) {
        IDLE.remove(run);
      }
      return removed;
    }
  }

  /** Closes those of a run that this process holds and no task uses. */
  static void closeIdle(String run) {
    List<Idle> idle = new ArrayList<>();
    synchronized (IDLE) {
      Deque<Idle> found = IDLE.remove(run);
      if (found != null) {
        idle.addAll(found);
      }
    }
    idle.forEach(one -> one.panel.close());
  }
}
