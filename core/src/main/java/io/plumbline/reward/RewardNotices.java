package io.plumbline.reward;

import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a user should know of rewards and a model's tokenizer before any work. */
public final class RewardNotices {
  private static final Pattern OPENING_AT_END = Pattern.compile("<[\\w|.:-]++>\\s*$");

  private static final Pattern CLOSING_AT_END = Pattern.compile("</([\\w|.:-]++)>\\s*$");

  private RewardNotices() {}

  /**
   * Sentences on texts that rewards read: those that are special tokens, and the one that the chat
   * template's prompt ends with, opened or closed. What holds of several panels is said once.
   */
  public static List<String> of(List<RewardPanel> panels, TokenizerFiles files) {
    if (readNothing(panels)) {
      return List.of();
    }
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      return of(panels, tokenizer);
    }
  }

  /** What to tell a user of these rewards, with a tokenizer that is loaded already. */
  public static List<String> of(List<RewardPanel> panels, Tokenizer tokenizer) {
    if (readNothing(panels)) {
      return List.of();
    }
    Set<String> notices = new LinkedHashSet<>();
    String prompt = prompt(tokenizer);
    for (RewardPanel panel : panels) {
      Set<String> read = panel.reads();
      if (read.isEmpty()) {
        continue;
      }
      Set<String> special = new TreeSet<>(new RewardText(tokenizer, read).special());
      special.retainAll(read);
      if (!special.isEmpty()) {
        notices.add(
            "rewards: "
                + String.join(", ", special)
                + (special.size() == 1 ? " is a special token" : " are special tokens")
                + " of this tokenizer; completions keep them for the rewards that read them");
      }
      Matcher opening = OPENING_AT_END.matcher(prompt);
      if (opening.find() && read.contains(opening.group().strip())) {
        notices.add(opened(opening.group().strip(), panel));
      }
      Matcher closing = CLOSING_AT_END.matcher(prompt);
      if (closing.find() && read.contains("<" + closing.group(1) + ">")) {
        notices.add(closed(closing.group(1)));
      }
    }
    return List.copyOf(notices);
  }

  private static boolean readNothing(List<RewardPanel> panels) {
    return panels.stream().allMatch(panel -> panel.reads().isEmpty());
  }

  private static String opened(String tag, RewardPanel panel) {
    return "rewards: the chat template's prompt ends with "
        + tag
        + ", and completions begin behind it; tags counts it as written"
        + (panel.readsByPattern(tag)
            ? ", but a pattern of regex that asks for " + tag + " does not match: leave it out"
            : "");
  }

  private static String closed(String tag) {
    return "rewards: the chat template's prompt opens and closes <"
        + tag
        + "> itself, so completions have none of it and rewards that look for it there stay at"
        + " their penalty: leave "
        + tag
        + " out of their tags, or have the template leave it open (for Qwen 3 by"
        + " --chat-template-kwargs '{\"enable_thinking\":true}')";
  }

  /** A rendered prompt; empty where there is no template. */
  private static String prompt(Tokenizer tokenizer) {
    ChatRequest question =
        ChatRequest.of(List.of(Map.of("role", "user", "content", "1 + 1?"))).withGenerationPrompt();
    try {
      return tokenizer.render(question).text();
    } catch (PlumblineException e) {
      if (ChatTemplate.wasStopped(e)) {
        throw e;
      }
      return ""; // No template, or one that wants other messages; rows will show.
    }
  }
}
