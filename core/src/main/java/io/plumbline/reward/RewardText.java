package io.plumbline.reward;

import io.plumbline.text.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The text of a completion as reward functions see it: special tokens left out, but for those that
 * a function reads. A tokenizer may have {@code <think>} as a special token; left out, the tags of
 * a completion would not be there, and its reasoning would be a part of its answer.
 */
public final class RewardText {
  /** What every function may take an answer from. */
  private static final Set<String> ALWAYS = Set.of("<think>", "</think>", "<answer>", "</answer>");

  private final Tokenizer tokenizer;

  /** By id, of texts that are special tokens. */
  private final Map<Integer, String> kept = new HashMap<>();

  /**
   * @param read texts that reward functions read: {@link RewardPanel#reads}
   */
  public RewardText(Tokenizer tokenizer, Set<String> read) {
    this.tokenizer = tokenizer;
    Set<String> all = new TreeSet<>(ALWAYS);
    all.addAll(read);
    for (String text : all) {
      int[] ids = tokenizer.encodeWithoutSpecialTokens(text);
      if (ids.length == 1 && tokenizer.isSpecial(ids[0])) {
        kept.put(ids[0], text);
      }
    }
  }

  /** Those of the texts that are special tokens of the tokenizer. */
  Set<String> special() {
    return new TreeSet<>(kept.values());
  }

  /** The text of a completion's tokens. */
  public String of(int[] tokens) {
    if (kept.isEmpty() || Arrays.stream(tokens).noneMatch(kept::containsKey)) {
      return tokenizer.decodeSkippingSpecialTokens(tokens);
    }
    return tokenizer.decode(Arrays.stream(tokens).filter(this::isRead).toArray());
  }

  private boolean isRead(int token) {
    return kept.containsKey(token) || !tokenizer.isSpecial(token);
  }
}
