package io.plumbline.rollout;

import io.plumbline.data.Columns;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.Generator;
import io.plumbline.model.SamplingSettings;
import io.plumbline.reward.Completion;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardText;
import io.plumbline.reward.ScoredCompletion;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Completes prompts with the policy's present weights and has the completions scored: for training
 * and for evaluation alike.
 *
 * @param reference the model that the policy is held to; empty where there is none
 * @param rewards what is to grow
 * @param costs what is to stay under limits; may be empty
 * @param text of completions as rewards and costs read it
 */
public record RolloutSampler(
    CausalLm policy,
    Optional<CausalLm> reference,
    Tokenizer tokenizer,
    RewardPanel rewards,
    RewardPanel costs,
    RewardText text) {

  public RolloutSampler(
      CausalLm policy,
      Optional<CausalLm> reference,
      Tokenizer tokenizer,
      RewardPanel rewards,
      RewardPanel costs) {
    this(
        policy,
        reference,
        tokenizer,
        rewards,
        costs,
        new RewardText(tokenizer, reads(rewards, costs)));
  }

  private static Set<String> reads(RewardPanel rewards, RewardPanel costs) {
    Set<String> read = new TreeSet<>(rewards.reads());
    read.addAll(costs.reads());
    return read;
  }

  /**
   * The completions of one prompt. Lists are by completion.
   *
   * @param scores what the reward functions say
   * @param costs what the cost functions say
   * @param reference log-probabilities under the reference, by token in nats; empty without one
   */
  record Group(
      TokenizedRow prompt,
      List<Generation> generations,
      List<Completion> completions,
      List<ScoredCompletion> scores,
      List<ScoredCompletion> costs,
      List<float[]> reference) {

    int size() {
      return generations.size();
    }

    /** Whether a completion reached the greatest length. */
    boolean isCutOff(int i) {
      return generations.get(i).finish() == Finish.LENGTH;
    }

    /** Whether a reward or a cost function could not score a completion. */
    boolean failed(int i) {
      return failure(i).isPresent();
    }

    /** What went wrong with a completion's scores. */
    Optional<String> failure(int i) {
      return scores.get(i).failure().or(() -> costs.get(i).failure());
    }

    Group withReference(List<float[]> logps) {
      return new Group(prompt, generations, completions, scores, costs, logps);
    }
  }

  /**
   * Groups of completions.
   *
   * @param keys of each prompt what its draws depend on besides the seed
   * @param passes of the reference
   * @return in the order of the prompts
   */
  List<Group> sample(
      List<TokenizedRow> prompts, long[] keys, SamplingSettings settings, GroupRows passes) {
    if (prompts.isEmpty()) {
      return List.of();
    }
    List<Group> groups = score(prompts, generate(prompts, keys, settings));
    if (reference.isEmpty()) {
      return groups;
    }
    passes.observer().checkInterrupted();
    List<List<float[]>> logps = passes.logps(reference.get(), groups);
    return IntStream.range(0, groups.size())
        .mapToObj(g -> groups.get(g).withReference(logps.get(g)))
        .toList();
  }

  private List<List<Generation>> generate(
      List<TokenizedRow> prompts, long[] keys, SamplingSettings settings) {
    try (Generator generator = new Generator(policy, tokenizer)) {
      return generator.generate(
          prompts.stream().map(TokenizedRow::prompt).toList(), keys, settings);
    }
  }

  private List<Group> score(List<TokenizedRow> prompts, List<List<Generation>> generations) {
    List<Completion> all = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      TokenizedRow row = prompts.get(p);
      Map<String, Object> columns = Columns.parse(row.columns());
      String prompt = tokenizer.decode(row.prompt());
      for (Generation generation : generations.get(p)) {
        all.add(
            new Completion(
                columns,
                prompt,
                row.prompt(),
                text.of(generation.tokens()),
                generation.tokens(),
                generation.finish()));
      }
    }
    List<ScoredCompletion> scores = rewards.score(all);
    List<ScoredCompletion> charged = costs.score(all);
    List<Group> groups = new ArrayList<>();
    int from = 0;
    for (int p = 0; p < prompts.size(); p++) {
      int to = from + generations.get(p).size();
      groups.add(
          new Group(
              prompts.get(p),
              generations.get(p),
              List.copyOf(all.subList(from, to)),
              List.copyOf(scores.subList(from, to)),
              List.copyOf(charged.subList(from, to)),
              List.of()));
      from = to;
    }
    return groups;
  }

  /** How many functions score a completion: rewards and costs. */
  int functions() {
    return rewards.names().size() + costs.names().size();
  }

  /** How many of a completion's tokens it takes to write so many of its text's characters. */
  int tokensUpTo(Completion completion, int characters) {
    int low = 0;
    int high = completion.tokens().length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      int[] start = Arrays.copyOf(completion.tokens(), middle);
      if (text.of(start).length() >= characters) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
