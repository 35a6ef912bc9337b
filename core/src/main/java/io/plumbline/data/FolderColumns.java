package io.plumbline.data;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The columns that folders called {@code NAME=VALUE} give the rows below them, as Hive lays tables
 * out, and as Spark and pyarrow read them. A column whose values are all whole numbers has whole
 * numbers, of other numbers it has these, and otherwise texts, as Spark infers them but for dates,
 * which are texts here as in JSON.
 */
public final class FolderColumns {
  private static final Pattern FOLDER = Pattern.compile("(?<=^|/)([^=/]+)=([^/]*)/");
  private static final Pattern WHOLE = Pattern.compile("[+-]?[0-9]{1,18}");
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]{1,3})?");

  /** What Hive calls the folder of rows that have no value. */
  private static final String NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

  private static final Pattern BAD_ESCAPE = Pattern.compile("%(?![0-9a-fA-F]{2})");

  private FolderColumns() {}

  /**
   * The columns of each file, by what was given.
   *
   * @param below the files' paths below the directory that is read
   */
  public static Map<String, Map<String, Object>> of(List<String> below) {
    Map<String, Map<String, String>> texts = new LinkedHashMap<>();
    Map<String, List<String>> values = new TreeMap<>();
    for (String path : below) {
      Map<String, String> columns = new LinkedHashMap<>();
      Matcher folder = FOLDER.matcher(path);
      while (folder.find()) {
        columns.put(unescaped(folder.group(1)), unescaped(folder.group(2)));
      }
      texts.put(path, columns);
      columns.forEach(
          (name, value) -> values.computeIfAbsent(name, key -> new ArrayList<>()).add(value));
    }
    Map<String, Function<String, Object>> readers = new LinkedHashMap<>();
    values.forEach((name, all) -> readers.put(name, reader(all)));
    Map<String, Map<String, Object>> byPath = new LinkedHashMap<>();
    texts.forEach(
        (path, columns) -> {
          Map<String, Object> read = new LinkedHashMap<>();
          columns.forEach(
              (name, value) ->
                  read.put(name, value.equals(NO_VALUE) ? null : readers.get(name).apply(value)));
          byPath.put(path, read);
        });
    return byPath;
  }

  private static Function<String, Object> reader(List<String> values) {
    List<String> there = values.stream().filter(value -> !value.equals(NO_VALUE)).toList();
    if (there.stream().allMatch(value -> WHOLE.matcher(value).matches())) {
      return Long::valueOf;
    }
    return there.stream().allMatch(value -> NUMBER.matcher(value).matches())
        ? Double::valueOf
        : value -> value;
  }

  /** Signs that no folder can be called by are written as in URLs, of which + is none here. */
  private static String unescaped(String name) {
    String whole = BAD_ESCAPE.matcher(name).replaceAll("%25");
    return URLDecoder.decode(whole.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
