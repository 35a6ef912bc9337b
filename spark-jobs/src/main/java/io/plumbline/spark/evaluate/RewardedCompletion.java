package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.Columns;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.Generation.Finish;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.reward.Completion;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.reward.RewardText;
import io.plumbline.reward.ScoredCompletion;
import io.plumbline.spark.inference.Batches;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.PromptText;
import io.plumbline.spark.inference.Sample;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.Sampling;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.StageModel;
import io.plumbline.spark.inference.StageResults;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.LongAccumulator;

/**
 * What an evaluation keeps of a completion that a policy wrote.
 *
 * @param place the prompt's, in the whole input
 * @param reward the weighted sum of what the reward functions say; NaN where none says anything
 * @param rewards what each says, without its weight; NaN where it says nothing or failed
 * @param kl the sum over the tokens of log π − log π_ref, in nats; NaN without a reference
 * @param klK3 the same sum of {@link KlEstimator#K3}
 * @param length in tokens
 * @param failure which functions failed and how; empty where none did
 * @param prompt for people; empty where the completion is not to be shown
 * @param text the completion; empty where it is not to be shown
 */
record RewardedCompletion(
    long place,
    double reward,
    double[] rewards,
    double kl,
    double klK3,
    int length,
    Finish finish,
    String failure,
    String prompt,
    String text)
    implements Serializable {
  /** Completions that a task draws before it has them scored. */
  private static final int COMPLETIONS_AT_ONCE = 512;

  /** Tokens of a prompt and the completions that share a pass with it. */
  private static final int TOKENS_PER_ROW = 2048;

  /**
   * Of whom completions are drawn, and what is to be known of them. Models have been checked.
   *
   * @param reference where the KL to it is wanted
   * @param rewards as a user names them; may be empty
   * @param shown so many prompts, from the first on, keep the text of their first completion
   */
  record Drawing(
      Storage storage,
      ModelDirectory model,
      Optional<ModelDirectory> reference,
      List<String> rewards,
      DecodingSettings decoding,
      ComputeDtype dtype,
      int tokensPerBatch,
      int threadsPerTask,
      int shown) {
    private StageModel stage(ModelDirectory directory) {
      return StageModel.of(storage, directory, dtype);
    }
  }

  /**
   * Completions of all rows, in their order, a Spark stage.
   *
   * @param rows as {@link Sampling#run} takes them
   * @param done counts rows
   */
  static StageResults<RewardedCompletion> run(
      JavaRDD<Map<String, Object>> rows, Drawing drawing, LongAccumulator done) {
    ModelDirectory directory = drawing.model();
    TreeSet<Integer> eosIds;
    try (Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles())) {
      eosIds = new TreeSet<>(Sampler.eosIds(directory, tokenizer));
    }
    return StageResults.of(
        rows,
        Math.max(1, COMPLETIONS_AT_ONCE / drawing.decoding().numGenerations()),
        drawing.threadsPerTask(),
        new Stage(
            drawing.stage(directory),
            eosIds,
            drawing.reference().stream().map(drawing::stage).toList(),
            drawing.rewards(),
            drawing.decoding(),
            drawing.tokensPerBatch(),
            drawing.shown(),
            done));
  }

  /**
   * What tasks open.
   *
   * @param references none, or the one that the KL is to
   */
  private record Stage(
      StageModel model,
      TreeSet<Integer> eosIds,
      List<StageModel> references,
      List<String> rewards,
      DecodingSettings decoding,
      int tokensPerBatch,
      int shown,
      LongAccumulator done)
      implements StageResults.Stage<RewardedCompletion> {
    @Override
    public StageResults.Answering<RewardedCompletion> open() {
      Sampler sampler = model.sampler(eosIds);
      try {
        RewardPanel panel =
            RewardPanel.open(
                rewards.stream().map(RewardSpec::parse).toList(),
                model.storage(),
                model.tokenizerFiles().rendering());
        try {
          return new Open(this, sampler, panel, sampler.rewardText(panel.reads()), lease());
        } catch (RuntimeException | Error e) {
          panel.close();
          throw e;
        }
      } catch (RuntimeException | Error e) {
        sampler.close();
        throw e;
      }
    }

    private Optional<SharedModels.Lease<CausalLm>> lease() {
      return references.stream().findFirst().map(StageModel::lease);
    }
  }

  /** Sums over a completion's tokens. */
  private record Kl(double k1, double k3) {
    static final Kl UNKNOWN = new Kl(Double.NaN, Double.NaN);
  }

  private record Open(
      Stage stage,
      Sampler sampler,
      RewardPanel panel,
      RewardText seen,
      Optional<SharedModels.Lease<CausalLm>> reference)
      implements StageResults.Answering<RewardedCompletion> {
    @Override
    public List<RewardedCompletion> answer(long firstPlace, List<Map<String, Object>> rows) {
      int perRow = stage.decoding().numGenerations();
      List<Sample> samples = sampler.sample(rows, firstPlace, stage.decoding());
      List<int[]> prompts = new ArrayList<>();
      List<Completion> completions = new ArrayList<>();
      for (int r = 0; r < rows.size(); r++) {
        // As grpo's rewards see them: canonical columns, and the prompt as the model read it.
        Map<String, Object> columns = Columns.parse(Columns.write(rows.get(r)));
        int[] prompt = sampler.promptTokens(rows.get(r), firstPlace + r);
        String text = sampler.decode(prompt);
        prompts.add(prompt);
        for (Sample sample : samples.subList(r * perRow, (r + 1) * perRow)) {
          completions.add(
              new Completion(
                  columns,
                  text,
                  prompt,
                  seen.of(sample.tokens()),
                  sample.tokens(),
                  sample.finish()));
        }
      }
      List<ScoredCompletion> scores = panel.score(completions);
      List<Kl> kls = kls(prompts, samples);
      List<RewardedCompletion> rewarded = new ArrayList<>();
      for (int i = 0; i < samples.size(); i++) {
        Sample sample = samples.get(i);
        long place = firstPlace + i / perRow;
        boolean show = place < stage.shown() && i % perRow == 0;
        double[] rewards = scores.get(i).rewards();
        rewarded.add(
            new RewardedCompletion(
                place,
                // Part of a reward says nothing.
                scores.get(i).failure().isPresent()
                    ? Double.NaN
                    : RewardPanel.weighted(rewards, 0, panel.weights()),
                rewards,
                kls.get(i).k1(),
                kls.get(i).k3(),
                sample.tokens().length,
                sample.finish(),
                scores.get(i).failure().orElse(""),
                show ? PromptText.of(sample.prompt()) : "",
                show ? completions.get(i).text() : ""));
      }
      stage.done().add(rows.size());
      return rewarded;
    }

    /**
     * Both models go over the same passes, so that one that is the reference is at 0 exactly and
     * rounding cannot look like a distance.
     */
    private List<Kl> kls(List<int[]> prompts, List<Sample> samples) {
      List<Kl> kls = new ArrayList<>();
      samples.forEach(sample -> kls.add(Kl.UNKNOWN));
      if (reference.isEmpty()) {
        return kls;
      }
      for (List<TokenizedRow> batch :
          Batches.byTokens(passes(prompts, samples), stage.tokensPerBatch())) {
        List<List<float[]>> own = sampler.model().logps(batch).logps();
        List<List<float[]>> references = reference.get().model().logps(batch).logps();
        for (int b = 0; b < batch.size(); b++) {
          for (int c = 0; c < own.get(b).size(); c++) {
            kls.set(
                Math.toIntExact(batch.get(b).index()) + c,
                kl(own.get(b).get(c), references.get(b).get(c)));
          }
        }
      }
      return kls;
    }

    /** Prompts with as many of their completions as share a pass; indexed by the first sample. */
    private List<TokenizedRow> passes(List<int[]> prompts, List<Sample> samples) {
      int perRow = stage.decoding().numGenerations();
      List<TokenizedRow> passes = new ArrayList<>();
      for (int p = 0; p < prompts.size(); p++) {
        int first = p * perRow;
        int end = first + perRow;
        while (first < end) {
          List<int[]> sharing = new ArrayList<>();
          int tokens = prompts.get(p).length;
          int next = first;
          while (next < end
              && (sharing.isEmpty()
                  || tokens + samples.get(next).tokens().length <= TOKENS_PER_ROW)) {
            tokens += samples.get(next).tokens().length;
            sharing.add(samples.get(next).tokens());
            next++;
          }
          passes.add(TokenizedRow.of(first, prompts.get(p), sharing, List.of()));
          first = next;
        }
      }
      return passes;
    }

    private static Kl kl(float[] own, float[] reference) {
      double k1 = 0;
      double k3 = 0;
      for (int t = 0; t < own.length; t++) {
        double d = (double) reference[t] - own[t];
        k1 += KlEstimator.K1.at(d).loss();
        k3 += KlEstimator.K3.at(d).loss();
      }
      return new Kl(k1, k3);
    }

    @Override
    public void close() {
      reference.ifPresent(SharedModels.Lease::close);
      panel.close();
      sampler.close();
    }
  }
}
