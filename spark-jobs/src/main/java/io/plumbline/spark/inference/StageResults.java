package io.plumbline.spark.inference;

import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.StageProgress;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.BiFunction;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.TaskCompletionListener;
import scala.Tuple2;

/** What a stage gives for each input row, in their order; computed once and kept until closed. */
public final class StageResults<T> implements AutoCloseable {
  /** Opens, in a task, what answers rows. */
  public interface Stage<T> extends Serializable {
    Answering<T> open();
  }

  /** Gives each row its result; belongs to one task. */
  public interface Answering<T> extends AutoCloseable {
    /**
     * @param firstPlace the first row's place in the whole input
     * @return in the order of the rows, of each row as many as of any other
     */
    List<T> answer(long firstPlace, List<Map<String, Object>> rows);

    @Override
    void close();

    /** Answers by a function of the first row's place and the rows, and closes what that uses. */
    static <T> Answering<T> by(
        Runnable closing, BiFunction<Long, List<Map<String, Object>>, List<T>> answers) {
      return new Answering<>() {
        @Override
        public List<T> answer(long firstPlace, List<Map<String, Object>> rows) {
          return answers.apply(firstPlace, rows);
        }

        @Override
        public void close() {
          closing.run();
        }
      };
    }
  }

  private final JavaRDD<T> values;
  private final long size;

  private StageResults(JavaRDD<T> values, long size) {
    this.values = values;
    this.size = size;
  }

  /**
   * Runs a stage over rows.
   *
   * @param window rows that a task takes in at once to sort them into batches
   * @param threads that PyTorch uses in a task
   */
  public static <T> StageResults<T> of(
      JavaRDD<Map<String, Object>> rows, int window, int threads, Stage<T> stage) {
    return of(rows, window, threads, stage, "", ProgressListener.NONE);
  }

  /**
   * Runs a stage over rows, with a listener that hears how many are done.
   *
   * @param name what the listener calls the stage
   */
  public static <T> StageResults<T> of(
      JavaRDD<Map<String, Object>> rows,
      int window,
      int threads,
      Stage<T> stage,
      String name,
      ProgressListener listener) {
    long count = SparkFailures.unwrapped(rows::count);
    LongAccumulator done = rows.context().longAccumulator(name);
    JavaRDD<T> values =
        InputRows.spread(rows, count)
            .mapPartitions(partition -> run(partition, window, threads, stage, done))
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      // All partitions now: fetched one by one they would leave all slots but one idle.
      long size =
          StageProgress.whole(
              listener,
              name,
              count,
              "rows",
              done::value,
              () -> SparkFailures.unwrapped(values::count));
      return new StageResults<>(values, size);
    } catch (RuntimeException e) {
      values.unpersist();
      throw e;
    } finally {
      SharedModels.closeIdle();
    }
  }

  private static <T> Iterator<T> run(
      Iterator<Tuple2<Long, Map<String, Object>>> rows,
      int window,
      int threads,
      Stage<T> stage,
      LongAccumulator done) {
    return rows.hasNext()
        ? new Windows<>(rows, window, threads, stage, done)
        : List.<T>of().iterator();
  }

  /** Answers window by window, as they are asked for: a task holds the results of one. */
  private static final class Windows<T> implements Iterator<T> {
    private final Iterator<Tuple2<Long, Map<String, Object>>> rows;
    private final int window;
    private final LongAccumulator done;
    private final Answering<T> answering;
    private Iterator<T> answers = Collections.emptyIterator();

    Windows(
        Iterator<Tuple2<Long, Map<String, Object>>> rows,
        int window,
        int threads,
        Stage<T> stage,
        LongAccumulator done) {
      this.rows = rows;
      this.window = window;
      this.done = done;
      Torch.useThreads(threads);
      // A task's end closes them in the opposite order, also where nobody asks to the end.
      Device.Use use = DeviceChoice.AUTO.ofThisTask().use();
      atTheEndOfTheTask(use::close);
      this.answering = stage.open();
      atTheEndOfTheTask(answering::close);
    }

    private static void atTheEndOfTheTask(Runnable close) {
      TaskCompletionListener listener = ended -> close.run();
      TaskContext.get().addTaskCompletionListener(listener);
    }

    @Override
    public boolean hasNext() {
      while (!answers.hasNext() && rows.hasNext()) {
        List<Map<String, Object>> taken = new ArrayList<>();
        long firstPlace = -1;
        while (rows.hasNext() && taken.size() < window) {
          Tuple2<Long, Map<String, Object>> row = rows.next();
          firstPlace = taken.isEmpty() ? row._1() : firstPlace;
          taken.add(row._2());
        }
        answers = answering.answer(firstPlace, taken).iterator();
        done.add(taken.size());
      }
      return answers.hasNext();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return answers.next();
    }
  }

  public long size() {
    return size;
  }

  /** The values in order; this process holds one partition of them at a time. */
  public Iterator<T> iterator() {
    return SparkFailures.unwrapped(values::toLocalIterator);
  }

  @Override
  public void close() {
    values.unpersist();
  }
}
