package io.plumbline.model;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** Finds the strings that end a completion in its text, special tokens included. */
final class StopStrings {
  /** A character's bytes may be spread over as many tokens, and the first of a text may differ. */
  private static final int SPARE_TOKENS = 4;

  private final Optional<Tokenizer> tokenizer;
  private final List<String> strings;
  private final int window;

  /** Fails with BAD_USAGE where there are strings and no tokenizer. */
  StopStrings(Optional<Tokenizer> tokenizer, List<String> strings) {
    if (!strings.isEmpty() && tokenizer.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "stop strings are looked for in a completion's text, and this generator has no tokenizer;"
              + " make it with the model's tokenizer");
    }
    this.tokenizer = tokenizer;
    this.strings = strings;
    // A token has a byte at least, so a string lies within as many tokens as it has bytes.
    this.window =
        SPARE_TOKENS
            + strings.stream()
                .mapToInt(s -> s.getBytes(StandardCharsets.UTF_8).length)
                .max()
                .orElse(0);
  }

  /** Whether the text holds a string now; to be asked after every token. */
  boolean foundIn(Draft draft) {
    if (strings.isEmpty()) {
      return false;
    }
    String text = tokenizer.orElseThrow().decode(draft.newestTokens(window));
    return strings.stream().anyMatch(text::contains);
  }
}
