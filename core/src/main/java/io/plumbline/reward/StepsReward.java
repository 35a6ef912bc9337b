package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code steps}: process rewards. Cuts completions into steps and lets another reward look at each
 * completion up to the end of each step; an endpoint gets the completion once and where its steps
 * end.
 */
public final class StepsReward implements RewardFunctionFactory {
  private static final Pattern BLANK_LINE = Pattern.compile("\\n[ \\t\\r]*+\\n\\s*+");
  private static final Pattern LINE = Pattern.compile("\\n\\s*+");

  /** What counts tokens cannot look at a part of a completion, whose tokens nobody knows. */
  private static final Set<String> NOT_BY = Set.of("steps", "length", "repetition");

  /** What a step gets. */
  private enum Credit {
    /** What the other reward says of the completion up to the end of the step. */
    VALUE,
    /** By how much that is more than it was a step before; at the first step the whole of it. */
    GAIN
  }

  @Override
  public String kind() {
    return "steps";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    RewardSpec by = RewardSpec.parse(options.requiredText("by", "model{\"path\":\"prm\"}"));
    Optional<String> separator = options.text("separator");
    Credit credit = options.choice("credit", Credit.VALUE);
    options.end();
    if (NOT_BY.contains(by.kind())) {
      throw options.bad("by cannot be " + by.kind() + ", which does not read the text of a step");
    }
    if (by.weight() != 1) {
      throw options.bad("the reward in by has no weight of its own; give steps a weight");
    }
    if (separator.isPresent() && separator.get().isEmpty()) {
      throw options.bad("separator is empty");
    }
    return new Function(RewardKinds.make(by, storage), separator, credit);
  }

  /**
   * Where the steps of a text end, each with the separator behind it; steps of white space are
   * none. The last ends with the text.
   *
   * @param separator without one, blank lines, or line ends where there is no blank line
   */
  static int[] ends(String text, Optional<String> separator) {
    Pattern pattern =
        separator
            .map(literal -> Pattern.compile("(?:" + Pattern.quote(literal) + ")++"))
            .orElse(BLANK_LINE.matcher(text.strip()).find() ? BLANK_LINE : LINE);
    List<Integer> ends = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    int from = 0;
    while (matcher.find()) {
      if (!text.substring(from, matcher.start()).isBlank()) {
        ends.add(matcher.end());
        from = matcher.end();
      }
    }
    if (!text.substring(from).isBlank()) {
      ends.add(text.length());
    } else if (!ends.isEmpty()) {
      ends.set(ends.size() - 1, text.length());
    }
    return ends.stream().mapToInt(Integer::intValue).toArray();
  }

  private record Function(RewardFunction by, Optional<String> separator, Credit credit)
      implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) throws Exception {
      List<int[]> ends = completions.stream().map(c -> ends(c.text(), separator)).toList();
      List<Reward> rewards =
          by instanceof HttpFunction http
              ? atEndpoint(http, completions, ends)
              : onPrefixes(completions, ends);
      return credit == Credit.VALUE ? rewards : rewards.stream().map(Function::gains).toList();
    }

    /** An endpoint is not asked for completions without a step. */
    private static List<Reward> atEndpoint(
        HttpFunction http, List<Completion> completions, List<int[]> ends)
        throws PartlyScoredException {
      List<Completion> asked = new ArrayList<>();
      List<int[]> askedEnds = new ArrayList<>();
      for (int i = 0; i < completions.size(); i++) {
        if (ends.get(i).length > 0) {
          asked.add(completions.get(i));
          askedEnds.add(ends.get(i));
        }
      }
      List<Outcome> answers;
      boolean failed = false;
      try {
        answers = http.scoreSteps(asked, askedEnds).stream().map(Outcome::of).toList();
      } catch (PartlyScoredException e) {
        answers = e.outcomes();
        failed = true;
      }
      List<Outcome> all = new ArrayList<>();
      int next = 0;
      for (int[] steps : ends) {
        all.add(steps.length > 0 ? answers.get(next++) : Outcome.of(Reward.notApplicable()));
      }
      if (failed) {
        throw new PartlyScoredException(all);
      }
      return all.stream().map(Outcome::reward).toList();
    }

    private List<Reward> onPrefixes(List<Completion> completions, List<int[]> ends)
        throws Exception {
      List<Completion> prefixes = new ArrayList<>();
      for (int i = 0; i < completions.size(); i++) {
        for (int end : ends.get(i)) {
          prefixes.add(upTo(completions.get(i), end));
        }
      }
      List<Reward> values = by.score(prefixes);
      if (values.size() != prefixes.size()) {
        throw new ScoringException(
            "the reward in by gave "
                + values.size()
                + " rewards for "
                + prefixes.size()
                + " steps");
      }
      List<Reward> rewards = new ArrayList<>();
      int next = 0;
      for (int[] stepEnds : ends) {
        List<Reward.Step> steps = new ArrayList<>();
        for (int end : stepEnds) {
          Reward value = values.get(next++);
          // A step of which nothing is said is a part of the next one.
          value.value().ifPresent(v -> steps.add(new Reward.Step(end, v)));
        }
        rewards.add(Reward.ofSteps(steps));
      }
      return rewards;
    }

    private static Completion upTo(Completion whole, int end) {
      return new Completion(
          whole.row(),
          whole.prompt(),
          whole.promptTokens(),
          whole.text().substring(0, end).stripTrailing(),
          new int[0],
          whole.finish());
    }

    @Override
    public Set<String> reads() {
      Set<String> all = new TreeSet<>(by.reads());
      separator.map(String::strip).filter(text -> !text.isEmpty()).ifPresent(all::add);
      return all;
    }

    private static Reward gains(Reward reward) {
      List<Reward.Step> steps = new ArrayList<>();
      double before = 0;
      for (Reward.Step step : reward.steps()) {
        steps.add(new Reward.Step(step.end(), step.value() - before));
        before = step.value();
      }
      return Reward.ofSteps(steps);
    }

    @Override
    public void close() {
      by.close();
    }
  }
}
