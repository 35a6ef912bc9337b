package io.plumbline.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** CSV and its kin, told by a line of names with a separator that the lines behind it have too. */
final class DelimitedText {
  private static final int NAME_CHARS = 80;

  private DelimitedText() {}

  /**
   * What a text with columns is, and what to do; empty where it has none.
   *
   * @param lines the first ones of the file; none begins like JSON
   */
  static Optional<String> sentence(String path, List<String> lines) {
    String lower = path.toLowerCase(Locale.ROOT);
    char separator = 0;
    List<String> names = List.of();
    for (char candidate : new char[] {'\t', ',', ';', '|'}) {
      List<String> fields = fields(lines.get(0), candidate);
      boolean behind =
          lines.size() == 1
              || lines.stream().skip(1).anyMatch(line -> line.indexOf(candidate) >= 0);
      boolean named =
          fields.stream().allMatch(name -> !name.isBlank() && name.length() <= NAME_CHARS);
      if (fields.size() > Math.max(1, names.size()) && named && behind) {
        separator = candidate;
        names = fields;
      }
    }
    boolean tabs =
        separator == '\t' || (names.isEmpty() && lower.matches(".*\\.tsv(\\.[a-z0-9]+)?"));
    if (names.isEmpty() && !tabs && !lower.matches(".*\\.csv(\\.[a-z0-9]+)?")) {
      return Optional.empty();
    }
    String columns =
        names.isEmpty()
            ? ""
            : " with the columns " + String.join(", ", names.stream().limit(12).toList());
    String prefix =
        tabs
            ? "tsv:"
            : separator == 0 || separator == ','
                ? "csv:"
                : "csv{\"sep\":\"%s\"}:".formatted(separator);
    return Optional.of(
        "is %s%s, and read where it is named by %s%s"
            .formatted(tabs ? "TSV" : "CSV", columns, prefix, path));
  }

  private static List<String> fields(String line, char separator) {
    List<String> fields = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (char c : line.strip().toCharArray()) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == separator && !quoted) {
        fields.add(field.toString().strip());
        field.setLength(0);
      } else {
        field.append(c);
      }
    }
    fields.add(field.toString().strip());
    return fields;
  }
}
