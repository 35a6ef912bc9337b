package io.plumbline.spark.prepare;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.RefusalReason;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** What is said where too many rows are refused: the cause that most share, and what ends it. */
public final class RefusedRows {
  private static final int NAMED = 5;
  private static final int EXAMPLES = 3;

  private RefusedRows() {}

  /** A few refusals to keep, one of each reason among them. */
  static List<Prepared.Refusal> named(List<Prepared.Refusal> refusals) {
    Set<RefusalReason> reasons = EnumSet.noneOf(RefusalReason.class);
    List<Prepared.Refusal> named = new ArrayList<>();
    for (Prepared.Refusal refusal : refusals) {
      if (reasons.add(RefusalReason.ofId(refusal.reason())) || named.size() < NAMED) {
        named.add(refusal);
      }
    }
    return List.copyOf(named);
  }

  static PlumblineException failure(Prepared prepared, CountOrShare limit) {
    PreparedCounts counts = prepared.counts();
    long refused = counts.refusedRows();
    List<Map.Entry<String, Long>> reasons =
        counts.refused().entrySet().stream()
            .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
            .toList();
    List<String> causes = new ArrayList<>();
    for (Map.Entry<String, Long> reason : reasons) {
      causes.add(
          reason.getValue()
              + " "
              + RefusalReason.ofId(reason.getKey()).words()
              + (causes.size() < EXAMPLES ? example(prepared, reason.getKey()) : ""));
    }
    RefusalReason most = RefusalReason.ofId(reasons.get(0).getKey());
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        refused
            + " of "
            + counts.read()
            + " rows were refused, "
            + (counts.accepted() == 0 || limit.allows(refused, counts.read())
                ? "which leaves none"
                : "more than --max-bad-rows " + limit + " allows")
            + ": "
            + String.join("; ", causes)
            + "; all of them are in "
            + prepared.quarantine().orElse(prepared.directory())
            + ": "
            + remedy(most)
            + (counts.accepted() > 0 ? orAllow(refused, counts.read()) : ""));
  }

  /**
   * The end of a sentence on what helps: where half of the data is refused, to allow it would hide
   * the fault.
   */
  public static String orAllow(long refused, long read) {
    return 2 * refused < read ? ", or raise --max-bad-rows" : "";
  }

  private static String example(Prepared prepared, String reason) {
    Predicate<Prepared.Refusal> same = refusal -> refusal.reason().equals(reason);
    Optional<Prepared.Refusal> first = prepared.firstRefusals().stream().filter(same).findFirst();
    return first
        .map(row -> " (" + row.file() + ":" + row.line() + ": " + row.detail() + ")")
        .orElse("");
  }

  /** What ends refusals for a reason, as a part of a sentence. */
  public static String remedy(RefusalReason reason) {
    return switch (reason) {
      case TOO_LONG ->
          "raise --max-length, or let rows be cut by --truncation-mode keep_start or keep_end";
      case COMPLETION_TRUNCATED -> "raise --max-length, or cut the prompts by --max-prompt-length";
      case IDENTICAL_AFTER_TRUNCATION ->
          "raise --max-length, or keep the ends of rows by --truncation-mode keep_end";
      case MISSING_FIELD,
          WRONG_TYPE,
          NO_COMMON_PROMPT,
          EMPTY_PROMPT,
          EMPTY_COMPLETION,
          IDENTICAL_SIDES ->
          "correct the data, or say which columns are meant by --columns, as in --columns"
              + " prompt=question";
      case UNKNOWN_ROLE ->
          "change such messages in the data, or give a chat template that takes them by"
              + " --chat-template";
      case TEMPLATE_ERROR ->
          "correct the data, or give a chat template that takes such conversations by"
              + " --chat-template";
      case BAD_VALUE, BROKEN_JSON, NOT_UTF8, TOO_LARGE, NO_PREFERENCE -> "correct the data";
    };
  }
}
