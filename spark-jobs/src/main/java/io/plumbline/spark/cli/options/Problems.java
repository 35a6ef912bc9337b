package io.plumbline.spark.cli.options;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Everything that is wrong with a call, gathered so that it can be shown at once. */
public final class Problems {
  // A set, because a value that is read twice is still one problem.
  private final Set<String> sentences = new LinkedHashSet<>();

  /** Adds one sentence that says what is wrong and how to fix it. */
  public void add(String sentence) {
    sentences.add(sentence);
  }

  public List<String> sentences() {
    return List.copyOf(sentences);
  }

  public boolean none() {
    return sentences.isEmpty();
  }

  /** Ends the command if there is anything wrong; nothing has been done by then. */
  public void refuse() {
    if (!sentences.isEmpty()) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, listing(sentences()));
    }
  }

  /** One sentence as it is; several under a heading that counts them. */
  public static String listing(List<String> sentences) {
    if (sentences.size() == 1) {
      return sentences.get(0);
    }
    return sentences.size() + " problems\n  - " + String.join("\n  - ", sentences);
  }
}
