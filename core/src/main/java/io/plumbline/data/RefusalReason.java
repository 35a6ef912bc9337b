package io.plumbline.data;

import java.util.Locale;

/** Why a row of the input cannot be trained on. */
public enum RefusalReason {
  /** Not a JSON object, or not JSON at all. */
  BROKEN_JSON("broken JSON"),
  /** Bytes that are not UTF-8, or half of a surrogate pair. */
  NOT_UTF8("not UTF-8"),
  /** A line or element longer than what is read into memory, or columns too large to keep. */
  TOO_LARGE("row too large"),
  /** A field that the format needs is missing or null. */
  MISSING_FIELD("missing field"),
  /** A field holds something else than text or messages. */
  WRONG_TYPE("wrong type"),
  /**
   * A label that is neither true nor false, a margin or score that is no finite number, or a weight
   * other than 0 and 1.
   */
  BAD_VALUE("bad value"),
  /** A prompt that a model is to continue has no token. */
  EMPTY_PROMPT("empty prompt"),
  /** A completion without text, or without a token. */
  EMPTY_COMPLETION("empty completion"),
  /** The chosen and the rejected side are the same. */
  IDENTICAL_SIDES("identical sides"),
  /** The chosen and the rejected side are the same within the maximum length. */
  IDENTICAL_AFTER_TRUNCATION("identical sides after truncation"),
  /** All responses have the same score. */
  NO_PREFERENCE("no preference"),
  /** The sides of an implicit prompt do not begin alike. */
  NO_COMMON_PROMPT("no common prompt"),
  /** Longer than the maximum where truncation is off. */
  TOO_LONG("too long"),
  /** The prompt alone fills the maximum length. */
  COMPLETION_TRUNCATED("completion lost by truncation"),
  /** The chat template refuses the conversation. */
  TEMPLATE_ERROR("chat template error"),
  /** A message of somebody whom the chat template does not know, or whose words it leaves out. */
  UNKNOWN_ROLE("unknown role");

  private final String words;

  RefusalReason(String words) {
    this.words = words;
  }

  /** For sentences. */
  public String words() {
    return words;
  }

  /** The reason that {@link #id} names. */
  public static RefusalReason ofId(String id) {
    return valueOf(id.toUpperCase(Locale.ROOT));
  }

  /** For files: the name in lower case, such as {@code broken_json}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
