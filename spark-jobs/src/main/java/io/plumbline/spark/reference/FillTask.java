package io.plumbline.spark.reference;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.TokenLogps;
import io.plumbline.spark.inference.Batches;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.reference.FillTask.Done;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.util.LongAccumulator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Computes the rows of one partition and writes them to the cache while it goes. */
record FillTask(
    CacheDirectory directory,
    String model,
    String modelFingerprint,
    ReferenceSettings settings,
    int threads,
    String fillId,
    LongAccumulator progress,
    LongAccumulator tokensDone)
    implements FlatMapFunction<Iterator<TokenizedRow>, Done> {
  private static final Logger LOG = LoggerFactory.getLogger(FillTask.class);

  /** Rows that are sorted by length at once, so that batches hold little padding. */
  private static final int WINDOW = 1024;

  /** What a task did. Rows that an earlier attempt of it had finished count as done. */
  record Done(long rows, long tokens, long modelLoads) implements Serializable {}

  @Override
  public Iterator<Done> call(Iterator<TokenizedRow> rows) {
    TaskContext context = TaskContext.get();
    String partition = fillId + "-" + context.partitionId() + "-";
    boolean retried = context.attemptNumber() > 0 || context.stageAttemptNumber() > 0;
    Set<String> finished = retried ? finishedBefore(partition) : Set.of();
    PartWriter parts =
        new PartWriter(
            directory,
            partition + context.taskAttemptId(),
            settings.rowsPerPart(),
            settings.partInterval());
    long done = 0;
    long tokens = 0;
    SharedModels.Lease<CausalLm> lease = null;
    try {
      while (rows.hasNext()) {
        List<TokenizedRow> window = new ArrayList<>();
        while (rows.hasNext() && window.size() < WINDOW) {
          TokenizedRow row = rows.next();
          tokens += row.tokens();
          if (finished.contains(row.fingerprint())) {
            done++;
            progress.add(1);
          } else {
            window.add(row);
          }
        }
        for (List<TokenizedRow> batch : Batches.byTokens(window, settings.tokensPerBatch())) {
          if (lease == null) {
            lease = lease();
            Torch.useThreads(threads);
          }
          if (context.isInterrupted()) {
            throw new PlumblineException(
                ErrorCode.INTERRUPTED,
                "The reference stage was stopped; what it finished stays in the cache, so run the command again to continue.");
          }
          TokenLogps computed = lease.model().logps(batch);
          for (int i = 0; i < batch.size(); i++) {
            parts.add(cached(batch.get(i), computed.logps().get(i)));
          }
          parts.flushIfDue();
          done += batch.size();
          progress.add(batch.size());
          tokensDone.add(batch.stream().mapToLong(TokenizedRow::tokens).sum());
        }
      }
      parts.finish();
    } catch (RuntimeException e) {
      keep(parts, e);
      throw e;
    } finally {
      if (lease != null) {
        lease.close();
      }
    }
    long loads = lease != null && lease.loadedModel() ? 1 : 0;
    return List.of(new Done(done, tokens, loads)).iterator();
  }

  private SharedModels.Lease<CausalLm> lease() {
    try (Device.Use use = settings.device().ofThisTask().use()) {
      return SharedModels.LANGUAGE_MODELS.acquire(
          directory.storage(), model, modelFingerprint, settings.dtype(), settings.held(), 0);
    }
  }

  /** Rows computed before a failure are as good as any: the next attempt need not repeat them. */
  private static void keep(PartWriter parts, RuntimeException failure) {
    if (Thread.currentThread().isInterrupted()) {
      return;
    }
    try {
      parts.flush();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private Set<String> finishedBefore(String partition) {
    Set<String> fingerprints = new HashSet<>();
    for (String name : directory.partNames()) {
      if (!name.startsWith(partition)) {
        continue;
      }
      try {
        for (CachedRow row : directory.read(name)) {
          fingerprints.add(row.fingerprint());
        }
      } catch (CacheDirectory.DamagedPart e) {
        LOG.warn("{}; its rows are computed anew", e.getMessage());
      }
    }
    return fingerprints;
  }

  private CachedRow cached(TokenizedRow row, List<float[]> logps) {
    float[][] values = new float[logps.size()][];
    for (int i = 0; i < values.length; i++) {
      values[i] = logps.get(i);
      for (float logp : values[i]) {
        if (!Float.isFinite(logp)) {
          throw new PlumblineException(
              ErrorCode.NUMERICS,
              "The reference model %s gives the log-probability %s in the row with index %d (fingerprint %s); check its weights, or compute in f32."
                  .formatted(model, logp, row.index(), row.fingerprint()));
        }
      }
    }
    String mismatch = ReferenceCache.mismatch(row, values);
    if (mismatch != null) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "The reference model returned a wrong shape: " + mismatch + ".");
    }
    return new CachedRow(row.fingerprint(), values);
  }
}
