package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.Kind;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import java.util.ArrayList;
import java.util.List;

/** A model of either kind as scoring sees it. */
public interface RowJudge extends AutoCloseable {
  /** What the model says about a forward pass of rows, which {@code rows} has prepared. */
  List<Score> judge(ScoringRows rows, List<ScoringRows.Prepared> batch);

  @Override
  void close();

  /** Fails where a directory could not be loaded, before any work: reads its weights once. */
  static void check(ModelDirectory directory) {
    Scoring.checkHeaders(directory);
    directory.requireFinite();
  }

  /** Loads the model of a directory for this caller alone. */
  static RowJudge open(ModelDirectory directory, ComputeDtype dtype) {
    if (directory.kind() == Kind.REWARD_MODEL) {
      ScoreModel model = ScoreModel.load(directory, Purpose.INFERENCE, dtype);
      return by(model, model::close);
    }
    CausalLm model = CausalLm.load(directory, Purpose.INFERENCE, dtype);
    return by(model, model::close);
  }

  /** Shares the model with the other tasks of this process. */
  static RowJudge sharing(StageModel model) {
    if (model.kind() == Kind.REWARD_MODEL) {
      SharedModels.Lease<ScoreModel> lease =
          SharedModels.REWARD_MODELS.acquire(
              model.storage(), model.path(), model.fingerprint(), model.dtype());
      return by(lease.model(), lease::close);
    }
    SharedModels.Lease<CausalLm> lease = model.lease();
    return by(lease.model(), lease::close);
  }

  private static RowJudge by(CausalLm model, Runnable closing) {
    return new RowJudge() {
      @Override
      public List<Score> judge(ScoringRows rows, List<ScoringRows.Prepared> batch) {
        List<List<float[]>> logps = model.logps(tokenized(batch)).logps();
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
          scores.add(rows.score(batch.get(i), logps.get(i)));
        }
        return scores;
      }

      @Override
      public void close() {
        closing.run();
      }
    };
  }

  private static RowJudge by(ScoreModel model, Runnable closing) {
    return new RowJudge() {
      @Override
      public List<Score> judge(ScoringRows rows, List<ScoringRows.Prepared> batch) {
        List<float[]> values = model.infer(tokenized(batch));
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
          scores.add(rows.reward(batch.get(i), values.get(i)));
        }
        return scores;
      }

      @Override
      public void close() {
        closing.run();
      }
    };
  }

  private static List<TokenizedRow> tokenized(List<ScoringRows.Prepared> batch) {
    return batch.stream().map(ScoringRows.Prepared::row).toList();
  }
}
