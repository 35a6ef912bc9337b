package io.plumbline.reward;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code tags}: whether a completion has its tags in order, each opened and closed once, with text
 * in it, as in {@code <think>…</think><answer>…</answer>}.
 */
public final class TagsReward implements RewardFunctionFactory {
  private static final Pattern NAME = Pattern.compile("[\\w|.:-]++");

  /** What may stand outside of the tags. */
  private enum Outside {
    /** White space. */
    NOTHING,
    TEXT
  }

  /** Who writes the opening of the first tag. */
  private enum Opened {
    /** The prompt where it ends with it, and else the completion. */
    AUTO,
    COMPLETION,
    /** It ends the prompt, as some chat templates have it. */
    PROMPT
  }

  /** What a completion gets that has some of the tags right. */
  private enum Partial {
    NONE,
    /** The share of tags that are right. */
    SHARE
  }

  @Override
  public String kind() {
    return "tags";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    List<String> tags = options.node("tags").map(node -> tags(options, node)).orElse(DEFAULT);
    Outside outside = options.choice("outside", Outside.NOTHING);
    Opened opened = options.choice("opened", Opened.AUTO);
    Partial partial = options.choice("partial", Partial.NONE);
    Verdict verdict = Verdict.of(options);
    options.end();
    String first = "<" + tags.get(0) + ">";
    OneByOne function =
        completion -> {
          boolean begun =
              opened == Opened.PROMPT
                  || (opened == Opened.AUTO && FinalPart.endsWith(completion.prompt(), first));
          double share = right((begun ? first : "") + completion.text(), tags, outside);
          return partial == Partial.SHARE
              ? Reward.of(verdict.penalty() + share * (verdict.reward() - verdict.penalty()))
              : verdict.on(share == 1);
        };
    return new Reading(function, both(tags));
  }

  /** The texts of tags by their names, opening and closing. */
  static Set<String> both(List<String> tags) {
    return tags.stream()
        .flatMap(tag -> Stream.of("<" + tag + ">", "</" + tag + ">"))
        .collect(Collectors.toUnmodifiableSet());
  }

  private static final List<String> DEFAULT = List.of("think", "answer");

  private static List<String> tags(Options options, JsonNode node) {
    List<String> tags = new ArrayList<>();
    node.forEach(tag -> tags.add(tag.isTextual() ? tag.asText() : ""));
    if (!node.isArray()
        || tags.isEmpty()
        || !tags.stream().allMatch(tag -> NAME.matcher(tag).matches())
        || new HashSet<>(tags).size() < tags.size()) {
      throw options.bad("tags must be a list of different names, as in [\"think\",\"answer\"]");
    }
    return tags;
  }

  /** The share of tags that are right; text outside where none may be leaves it under 1. */
  private static double right(String text, List<String> tags, Outside outside) {
    int right = 0;
    int end = 0;
    boolean clean = true;
    for (String tag : tags) {
      String opening = "<" + tag + ">";
      String closing = "</" + tag + ">";
      Optional<Integer> from = onlyPlace(text, opening);
      Optional<Integer> to = onlyPlace(text, closing);
      if (from.isPresent()
          && to.isPresent()
          && from.get() >= end
          && to.get() >= from.get() + opening.length()
          && !text.substring(from.get() + opening.length(), to.get()).isBlank()) {
        clean &= text.substring(end, from.get()).isBlank();
        end = to.get() + closing.length();
        right++;
      }
    }
    clean &= text.substring(end).isBlank();
    if (right == tags.size() && !clean && outside == Outside.NOTHING) {
      // The text outside is one more thing to get right.
      return right / (right + 1.0);
    }
    return right / (double) tags.size();
  }

  private static Optional<Integer> onlyPlace(String text, String part) {
    int first = text.indexOf(part);
    return first >= 0 && text.indexOf(part, first + 1) < 0 ? Optional.of(first) : Optional.empty();
  }
}
