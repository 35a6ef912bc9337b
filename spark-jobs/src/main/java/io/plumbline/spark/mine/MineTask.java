package io.plumbline.spark.mine;

import io.plumbline.data.Columns;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.RefusalReason;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.mine.Candidate;
import io.plumbline.mine.Choice;
import io.plumbline.mine.Selection;
import io.plumbline.mine.Skip;
import io.plumbline.mine.Strategy;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.reward.Completion;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.reward.RewardText;
import io.plumbline.reward.ScoredCompletion;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.StageModel;
import io.plumbline.spark.mine.MiningRequest.CutOff;
import io.plumbline.spark.mine.Tally.LeftOut;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import io.plumbline.text.Tokenizer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.LongAccumulator;
import scala.Tuple2;

/**
 * Samples, scores and chooses for the prompts of one partition. Goes by slices, whose completions
 * are sampled and scored together: a task that is tried again gives the same rows.
 *
 * @param run names the run, for what its tasks share in a process
 * @param eosIds tokens that end a completion
 * @param maxPositions tokens that the model takes in all; 0 for any number
 */
record MineTask(
    String run,
    StageModel model,
    TreeSet<Integer> eosIds,
    int maxPositions,
    DecodingSettings decoding,
    LengthLimits limits,
    Selecting selecting,
    int rowsPerSlice,
    int threads,
    Counts counts)
    implements FlatMapFunction<Iterator<Tuple2<Long, Map<String, Object>>>, String> {

  /**
   * How completions become rows.
   *
   * @param cutOff what becomes of completions that reached their greatest length
   */
  record Selecting(List<RewardSpec> rewards, Strategy strategy, CutOff cutOff, MinedRows rows)
      implements Serializable {}

  /** What tasks tell the driver: prompts that are done, and a tally each. */
  record Counts(LongAccumulator prompts, CollectionAccumulator<Tally> tallies)
      implements Serializable {}

  @Override
  public Iterator<String> call(Iterator<Tuple2<Long, Map<String, Object>>> prompts) {
    Tally tally = new Tally(TaskContext.getPartitionId(), selecting.rewards().size());
    List<String> lines = new ArrayList<>();
    if (prompts.hasNext()) {
      Torch.useThreads(threads);
      try (Device.Use use = DeviceChoice.AUTO.ofThisTask().use()) {
        mine(prompts, tally, lines);
      }
    }
    counts.tallies().add(tally);
    return lines.iterator();
  }

  private void mine(
      Iterator<Tuple2<Long, Map<String, Object>>> prompts, Tally tally, List<String> lines) {
    RewardPanel panel = SharedPanels.take(run, selecting.rewards(), model.storage());
    boolean sound = false;
    try (Tokenizer tokenizer = model.tokenizer();
        SharedModels.Lease<CausalLm> policy = model.lease();
        Sampler sampler = Sampler.over(policy.model(), tokenizer, eosIds)) {
      Tools tools =
          new Tools(tokenizer, sampler, panel, new RewardText(tokenizer, panel.reads()), tally);
      while (prompts.hasNext()) {
        lines.addAll(slice(next(prompts), tools));
      }
      sound = true;
    } finally {
      if (sound) {
        SharedPanels.giveBack(run, panel);
      } else {
        panel.close();
      }
    }
  }

  /** What a task works with. */
  private record Tools(
      Tokenizer tokenizer, Sampler sampler, RewardPanel panel, RewardText seen, Tally tally) {
    String text(Generation generation) {
      return seen.of(generation.tokens());
    }
  }

  /** Partitions hold whole slices, so that so many rows from the start are one. */
  private List<Tuple2<Long, Map<String, Object>>> next(
      Iterator<Tuple2<Long, Map<String, Object>>> prompts) {
    TaskContext context = TaskContext.get();
    if (context.isInterrupted()) {
      throw new PlumblineException(
          ErrorCode.INTERRUPTED, "Mining was stopped; run the command again.");
    }
    List<Tuple2<Long, Map<String, Object>>> taken = new ArrayList<>();
    while (prompts.hasNext() && taken.size() < rowsPerSlice) {
      taken.add(prompts.next());
    }
    return taken;
  }

  private List<String> slice(List<Tuple2<Long, Map<String, Object>>> given, Tools tools) {
    ExampleTokenizer reading = new ExampleTokenizer(tools.tokenizer(), limits);
    List<MinePrompt> prompts = new ArrayList<>();
    List<TokenizedRow> tokenized = new ArrayList<>();
    for (Tuple2<Long, Map<String, Object>> row : given) {
      tools.tally().prompts++;
      try {
        MinePrompt prompt = MinePrompt.of(row._1(), row._2());
        TokenizedRow ids = prompt.tokenized(reading);
        requireRoom(ids);
        prompts.add(prompt);
        tokenized.add(ids);
      } catch (RefusedRowException e) {
        Tally tally = tools.tally();
        tally.skip(Skip.BAD_PROMPT);
        tally.firstRefusal = tally.firstRefusal.or(Refusal.of(row._1(), e));
      }
    }
    List<List<Generation>> generations =
        tools
            .sampler()
            .generate(
                tokenized.stream().map(TokenizedRow::prompt).toList(),
                prompts.stream().mapToLong(MinePrompt::place).toArray(),
                decoding);
    List<ScoredCompletion> scores = score(tokenized, generations, tools);
    List<String> lines = new ArrayList<>();
    int from = 0;
    for (int p = 0; p < prompts.size(); p++) {
      int to = from + generations.get(p).size();
      lines.addAll(choose(prompts.get(p), generations.get(p), scores.subList(from, to), tools));
      from = to;
    }
    counts.prompts().add(given.size());
    return lines;
  }

  private void requireRoom(TokenizedRow prompt) throws RefusedRowException {
    long needed = (long) prompt.prompt().length + decoding.maxNewTokens();
    if (maxPositions > 0 && needed > maxPositions) {
      throw new RefusedRowException(
          RefusalReason.TOO_LONG,
          "its prompt has %d tokens, and with --max-new-tokens %d that is more than the %d that the model takes"
              .formatted(prompt.prompt().length, decoding.maxNewTokens(), maxPositions));
    }
  }

  /** As grpo has completions scored. */
  private static List<ScoredCompletion> score(
      List<TokenizedRow> prompts, List<List<Generation>> generations, Tools tools) {
    List<Completion> completions = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      TokenizedRow row = prompts.get(p);
      Map<String, Object> columns = Columns.parse(row.columns());
      String prompt = tools.tokenizer().decode(row.prompt());
      for (Generation generation : generations.get(p)) {
        completions.add(
            new Completion(
                columns,
                prompt,
                row.prompt(),
                tools.text(generation),
                generation.tokens(),
                generation.finish()));
      }
    }
    return tools.panel().score(completions);
  }

  private List<String> choose(
      MinePrompt prompt, List<Generation> generations, List<ScoredCompletion> scores, Tools tools) {
    Tally tally = tools.tally();
    ExampleTokenizer learning = new ExampleTokenizer(tools.tokenizer(), LengthLimits.none());
    Map<Candidate, MinedRows.Text> texts = new HashMap<>();
    List<Candidate> candidates = new ArrayList<>();
    Set<List<Integer>> seen = new HashSet<>();
    int failed = 0;
    for (int i = 0; i < generations.size(); i++) {
      Generation generation = generations.get(i);
      ScoredCompletion score = scores.get(i);
      double reward =
          score.failure().isPresent()
              ? Double.NaN
              : RewardPanel.weighted(score.rewards(), 0, tools.panel().weights());
      tally.completion(reward, score.rewards(), generation.tokens().length);
      String text = tools.text(generation);
      if (score.failure().isPresent()) {
        failed++;
        tally.leaveOut(LeftOut.REWARD_FAILED);
        if (tally.firstFailure.isEmpty()) {
          tally.firstFailure = score.failure().get();
        }
      } else if (Double.isNaN(reward)) {
        tally.leaveOut(LeftOut.NO_REWARD);
      } else if (selecting.cutOff() == CutOff.LEFT_OUT && generation.finish() == Finish.LENGTH) {
        tally.leaveOut(LeftOut.CUT_OFF);
      } else {
        try {
          if (text.isEmpty()) {
            tally.leaveOut(LeftOut.EMPTY);
          } else if (seen.add(prompt.learned(text, learning))) {
            Candidate candidate = new Candidate(i, reward);
            candidates.add(candidate);
            texts.put(candidate, new MinedRows.Text(prompt.side(text), generation.finish()));
          } else {
            tally.leaveOut(LeftOut.DUPLICATE);
          }
        } catch (RefusedRowException e) {
          // A completion that training would send to quarantine, such as white space in a template
          // that strips it.
          tally.leaveOut(LeftOut.EMPTY);
        }
      }
    }
    Strategy strategy = selecting.strategy();
    Selection selection =
        candidates.size() >= strategy.leastCandidates()
            ? strategy.select(candidates, prompt.place())
            : Selection.none(
                candidates.size() + failed >= strategy.leastCandidates()
                    ? Skip.REWARD_FAILED
                    : Skip.TOO_FEW_COMPLETIONS);
    selection.skip().ifPresent(tally::skip);
    tally.promptsUsed += selection.choices().isEmpty() ? 0 : 1;
    List<String> lines = new ArrayList<>();
    for (Choice choice : selection.choices()) {
      tally.choice(choice);
      lines.add(selecting.rows().line(prompt, choice, texts));
    }
    return lines;
  }
}
