package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/**
 * A token beside the model's vocabulary, as the tokenizers library has it.
 *
 * @param content the text that it stands for
 * @param singleWord whether it matches only where no letter or digit touches it
 * @param lstrip whether it takes the blanks before it
 * @param rstrip whether it takes the blanks after it
 * @param normalized whether it is looked for in the normalized text; empty for what follows from
 *     {@code special}
 * @param special whether decoding may leave it out
 */
record AddedToken(
    String content,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    Optional<Boolean> normalized,
    boolean special) {

  /** What transformers makes of a special token that is given by its text alone. */
  static AddedToken special(String content) {
    return new AddedToken(content, false, false, false, Optional.empty(), true);
  }

  /** What {@code AddedToken(**fields)} makes of a token's fields. */
  static AddedToken of(JsonNode fields) {
    return new AddedToken(
        fields.path("content").asText(),
        fields.path("single_word").asBoolean(false),
        fields.path("lstrip").asBoolean(false),
        fields.path("rstrip").asBoolean(false),
        fields.path("normalized").isBoolean()
            ? Optional.of(fields.path("normalized").asBoolean())
            : Optional.empty(),
        fields.path("special").asBoolean(false));
  }

  AddedToken asSpecial() {
    return new AddedToken(content, singleWord, lstrip, rstrip, normalized, true);
  }

  /** This token with {@code normalized} filled in, as equality compares it. */
  AddedToken resolved() {
    return new AddedToken(
        content, singleWord, lstrip, rstrip, Optional.of(normalized.orElse(!special)), special);
  }

  /** As an element of tokenizer.json's added_tokens. */
  void write(ObjectNode target, int id, boolean asSpecial) {
    target
        .put("id", id)
        .put("content", content)
        .put("single_word", singleWord)
        .put("lstrip", lstrip)
        .put("rstrip", rstrip)
        .put("normalized", normalized.orElse(!special))
        .put("special", asSpecial);
  }
}
