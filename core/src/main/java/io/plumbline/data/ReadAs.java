package io.plumbline.data;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * What rows are read as, for the line that is said of them before work.
 *
 * @param words behind "rows read as"
 * @param unread columns of known formats that are there and not used
 * @param remarks of what else of the rows is not used, or in another way than it says
 * @param margins whether rows say a margin, which not everything that reads pairs uses
 */
public record ReadAs(String words, List<String> unread, List<String> remarks, boolean margins) {
  public ReadAs {
    unread = List.copyOf(unread);
    remarks = List.copyOf(remarks);
  }

  /** How rows are read by a reader that takes no margins. */
  public ReadAs withoutMargins() {
    if (!margins) {
      return this;
    }
    Set<String> all = new TreeSet<>(unread);
    all.add("margin");
    return new ReadAs(words, List.copyOf(all), remarks, false);
  }

  /** As in {@code 1,000 rows read as pairs (prompt, chosen, rejected); not used: margin}. */
  public String line(long rows) {
    return String.format(Locale.ROOT, "%,d rows read as %s", rows, this);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(words);
    if (!unread.isEmpty()) {
      text.append("; not used: ").append(String.join(", ", unread));
    }
    remarks.forEach(remark -> text.append("; ").append(remark));
    return text.toString();
  }
}
