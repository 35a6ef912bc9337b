package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** {@code regex}: whether a completion, or a part of it, matches a pattern of Java's. */
public final class RegexReward implements RewardFunctionFactory {
  private static final Pattern TAG = Pattern.compile("</?+[\\w|.:-]{1,60}+>");

  /** What has to match. */
  private enum Match {
    /** Some part of the completion. */
    FIND,
    /** The completion as a whole. */
    FULL
  }

  @Override
  public String kind() {
    return "regex";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    Pattern pattern = pattern(options, options.requiredText("pattern", "^\\d+$"));
    Match match = options.choice("match", Match.FIND);
    Duration limit = Duration.ofNanos((long) (1e9 * options.numberOverZero("time_limit", 1)));
    Verdict verdict = Verdict.of(options);
    options.end();
    Predicate<Matcher> search = match == Match.FIND ? Matcher::find : Matcher::matches;
    return new Reading(
        completion -> score(completion, pattern, limit, search, verdict), tags(pattern.pattern()));
  }

  /** What the pattern has of tags, and of texts such as {@code <|end|>}. */
  private static Set<String> tags(String pattern) {
    Set<String> tags = new HashSet<>();
    Matcher matcher = TAG.matcher(pattern.replace("\\Q", "").replace("\\E", "").replace("\\", ""));
    while (matcher.find()) {
      tags.add(matcher.group());
    }
    return tags;
  }

  private static Reward score(
      Completion completion,
      Pattern pattern,
      Duration limit,
      Predicate<Matcher> search,
      Verdict verdict) {
    return verdict.on(WatchedText.search(pattern, completion.text(), limit, search));
  }

  private static Pattern pattern(Options options, String text) {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw options.bad(
          "the pattern cannot be read ("
              + e.getDescription()
              + " at character "
              + e.getIndex()
              + "); in JSON a backslash is written twice");
    }
  }
}
