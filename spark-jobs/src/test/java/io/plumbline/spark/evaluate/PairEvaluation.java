package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.TokenLogps;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.inference.Batches;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.SparkFailures;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;

/** Measures a policy on held-out pairs. */
public final class PairEvaluation {
  /** Pairs that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 1024;

  private PairEvaluation() {}

  /**
   * Metrics of pairs whose values are known.
   *
   * @param pairs rows with two completions, the chosen first, and reference log-probabilities
   * @param policyLogps by row, by completion: the policy's log-probability of each token, 0 where
   *     it does not count
   * @param beta the β of the implicit reward
   */
  public static PairMetrics of(
      List<TokenizedRow> pairs, List<List<float[]>> policyLogps, double beta) {
    return totals(pairs, policyLogps, beta).means();
  }

  /**
   * Runs a policy over pairs, a Spark stage.
   *
   * @param pairs rows with reference log-probabilities, as {@code ReferenceCache.join} gives
   * @param policy Hugging Face directory, seen by all executors
   * @param tokensPerBatch token budget of one forward pass
   * @param threadsPerTask threads that PyTorch uses in a task
   */
  public static PairMetrics run(
      Storage storage,
      JavaRDD<TokenizedRow> pairs,
      String policy,
      ComputeDtype dtype,
      double beta,
      int tokensPerBatch,
      int threadsPerTask) {
    Stage stage =
        new Stage(
            storage,
            policy,
            ModelDirectory.open(storage, policy).fingerprint(),
            dtype,
            beta,
            tokensPerBatch,
            threadsPerTask);
    try {
      PairTotals sum = new PairTotals();
      for (PairTotals part :
          SparkFailures.unwrapped(() -> pairs.mapPartitions(stage::run).collect())) {
        sum.add(part);
      }
      return sum.means();
    } finally {
      SharedModels.closeIdle();
    }
  }

  private record Stage(
      Storage storage,
      String policy,
      String fingerprint,
      ComputeDtype dtype,
      double beta,
      int tokensPerBatch,
      int threads)
      implements Serializable {
    Iterator<PairTotals> run(Iterator<TokenizedRow> rows) {
      PairTotals totals = new PairTotals();
      if (!rows.hasNext()) {
        return List.of(totals).iterator();
      }
      Torch.useThreads(threads);
      try (Device.Use use = DeviceChoice.AUTO.ofThisTask().use();
          SharedModels.Lease<CausalLm> lease =
              SharedModels.LANGUAGE_MODELS.acquire(storage, policy, fingerprint, dtype)) {
        while (rows.hasNext()) {
          List<TokenizedRow> window = new ArrayList<>();
          while (rows.hasNext() && window.size() < WINDOW) {
            window.add(rows.next());
          }
          for (List<TokenizedRow> batch : Batches.byTokens(window, tokensPerBatch)) {
            TokenLogps logps = lease.model().logps(batch);
            totals.add(totals(batch, logps.logps(), beta));
          }
        }
      }
      return List.of(totals).iterator();
    }
  }

  private static PairTotals totals(
      List<TokenizedRow> pairs, List<List<float[]>> policyLogps, double beta) {
    PairTotals totals = new PairTotals();
    for (int i = 0; i < pairs.size(); i++) {
      TokenizedRow row = pairs.get(i);
      if (row.completions().size() != 2 || row.referenceLogps().size() != 2) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "Row %d has %d completions with reference values for %d, but the evaluation of pairs needs 2 of each; give preference data and fill the reference cache for it."
                .formatted(row.index(), row.completions().size(), row.referenceLogps().size()));
      }
      totals.add(
          new PairTotals.Pair(
              sum(row, 0, policyLogps.get(i)),
              sum(row, 1, policyLogps.get(i)),
              sum(row, 0, row.referenceLogps()),
              sum(row, 1, row.referenceLogps()),
              counted(row, 0),
              counted(row, 1)),
          beta);
    }
    return totals;
  }

  private static double sum(TokenizedRow row, int side, List<float[]> logps) {
    float[] values = logps.get(side);
    double sum = 0;
    for (int t = 0; t < values.length; t++) {
      if (row.lossMasks().isEmpty() || row.lossMasks().get(side)[t] != 0) {
        sum += values[t];
      }
    }
    return sum;
  }

  private static int counted(TokenizedRow row, int side) {
    if (row.lossMasks().isEmpty()) {
      return row.completions().get(side).length;
    }
    int counted = 0;
    for (byte mask : row.lossMasks().get(side)) {
      counted += mask != 0 ? 1 : 0;
    }
    return counted;
  }
}
