package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a rank ended, as it travels to the driver: as the stage's result, through the feed, or inside
 * the text of an exception.
 *
 * @param code what failed, or null
 * @param text the task's result, or the failure's sentence
 */
record Outcome(int rank, int attempt, ErrorCode code, String text) {
  /** A rank that was only told of another's failure comes after the one that failed. */
  static final Comparator<Outcome> FIRST_CAUSE =
      Comparator.comparingInt(
          outcome ->
              switch (outcome.code()) {
                case GANG_BROKEN -> 2;
                case INTERRUPTED -> 1;
                default -> 0;
              });

  private static final Pattern QUOTED = Pattern.compile("plumbline-outcome:([0-9A-Za-z_:=+/-]+)");

  boolean isFailure() {
    return code != null;
  }

  PlumblineException exception(Throwable cause) {
    return new PlumblineException(code, text, cause);
  }

  /** One word of printable ASCII. */
  String encode() {
    return "%d:%d:%s:%s"
        .formatted(
            rank,
            attempt,
            code == null ? "" : code.name(),
            Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** What a rank's exception says, for people and for {@link #quotedIn}. */
  String quote() {
    return "%s (plumbline-outcome:%s)".formatted(text, encode());
  }

  static Outcome decode(String word) {
    String[] parts = word.split(":", -1);
    return new Outcome(
        Integer.parseInt(parts[0]),
        Integer.parseInt(parts[1]),
        parts[2].isEmpty() ? null : ErrorCode.valueOf(parts[2]),
        new String(Base64.getDecoder().decode(parts[3]), StandardCharsets.UTF_8));
  }

  static Optional<Outcome> quotedIn(String text) {
    Matcher matcher = QUOTED.matcher(text);
    return matcher.find() ? Optional.of(decode(matcher.group(1))) : Optional.empty();
  }
}
