package io.plumbline.storage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What a pattern matches. {@code *}, {@code ?}, {@code [a-z]}, {@code [^a-z]}, {@code {a,b}} and
 * {@code \} as Hadoop has them; {@code **} stands for any number of folders. Found by listing
 * directories: Hadoop's own globs fail where a name has a colon (HADOOP-14217).
 */
final class Glob {
  private static final String ANY_FOLDERS = "**";

  private final Storage storage;
  private final String pattern;
  private final Map<String, Storage.Entry> found = new TreeMap<>();

  /**
   * A pattern over what a storage has.
   *
   * @param pattern as {@link Storage#absolute} has it
   */
  Glob(Storage storage, String pattern) {
    this.storage = storage;
    this.pattern = pattern;
  }

  /** The files and directories that match, by path. */
  Map<String, Storage.Entry> matches() {
    for (String one : alternatives(pattern)) {
      int root = rootLength(one);
      List<String> parts = new ArrayList<>();
      for (String part : one.substring(root).split("/", -1)) {
        if (!part.isEmpty()) {
          parts.add(part);
        }
      }
      String top = one.substring(0, root);
      if (!parts.isEmpty()) {
        walk(top, parts, 0);
      } else if (!top.isEmpty()) {
        // Braces with an empty alternative may leave nothing but the root.
        storage.entry(top).ifPresent(entry -> found.put(top, entry));
      }
    }
    return found;
  }

  /** How much of a path is its file system and the slash of its root. */
  private static int rootLength(String path) {
    int colon = path.indexOf(':');
    int slash = path.indexOf('/');
    if (colon > 0 && slash == colon + 1 && path.startsWith("//", slash)) {
      int end = path.indexOf('/', slash + 2);
      return end < 0 ? path.length() : end + 1;
    }
    return slash == 0 ? 1 : colon > 0 && slash == colon + 1 ? slash + 1 : 0;
  }

  private void walk(String directory, List<String> parts, int next) {
    String part = parts.get(next);
    boolean last = next == parts.size() - 1;
    if (part.equals(ANY_FOLDERS)) {
      for (Storage.Entry child : children(directory)) {
        boolean hidden = !Storage.isVisible(child.name());
        if (child.directory() && !hidden) {
          walk(child.path(), parts, next);
        } else if (last && !hidden) {
          found.put(child.path(), child);
        }
      }
      if (!last) {
        walk(directory, parts, next + 1);
      }
      return;
    }
    Optional<String> name = literal(part);
    if (name.isPresent()) {
      String path = under(directory, name.get());
      if (!last) {
        walk(path, parts, next + 1);
      } else {
        storage.entry(path).ifPresent(entry -> found.put(path, entry));
      }
      return;
    }
    Pattern names = names(part);
    for (Storage.Entry child : children(directory)) {
      String childName = child.name();
      if (!names.matcher(childName).matches()) {
        continue;
      }
      if (!last && child.directory()) {
        walk(child.path(), parts, next + 1);
      } else if (last && Storage.isVisible(childName)) {
        found.put(child.path(), child);
      }
    }
  }

  private Pattern names(String part) {
    try {
      return Pattern.compile(regex(part), Pattern.DOTALL);
    } catch (PatternSyntaxException e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "%s is not a pattern (%s); write \\ before a character that stands for itself."
              .formatted(Credentials.hidden(pattern), e.getDescription()),
          e);
    }
  }

  private List<Storage.Entry> children(String directory) {
    if (!directory.isEmpty()) {
      return storage.list(directory);
    }
    return storage.list(".").stream()
        .map(child -> new Storage.Entry(under("", child.name()), child.length(), child.directory()))
        .toList();
  }

  /** A colon in the first name of a relative path would be that of a file system. */
  private static String under(String directory, String name) {
    return directory.isEmpty() && name.contains(":") ? "./" + name : Storage.join(directory, name);
  }

  /** The one name that a part matches; empty where it matches several. */
  private static Optional<String> literal(String part) {
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < part.length(); i++) {
      char c = part.charAt(i);
      if (c == '*' || c == '?' || (c == '[' && classEnd(part, i) > 0)) {
        return Optional.empty();
      }
      if (c == '\\' && i + 1 < part.length()) {
        c = part.charAt(++i);
      }
      name.append(c);
    }
    return Optional.of(name.toString());
  }

  private static String regex(String part) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < part.length(); i++) {
      char c = part.charAt(i);
      int end = c == '[' ? classEnd(part, i) : -1;
      if (c == '*') {
        regex.append(".*");
      } else if (c == '?') {
        regex.append('.');
      } else if (end > 0) {
        regex.append(characterClass(part.substring(i + 1, end)));
        i = end;
      } else {
        if (c == '\\' && i + 1 < part.length()) {
          c = part.charAt(++i);
        }
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return regex.toString();
  }

  /** Where a class of characters ends that begins here; -1 where none does. */
  private static int classEnd(String part, int start) {
    int first = start + 1;
    if (first < part.length() && (part.charAt(first) == '^' || part.charAt(first) == '!')) {
      first++;
    }
    // A bracket that stands first is one of the characters.
    return part.indexOf(']', first + 1);
  }

  private static String characterClass(String inside) {
    boolean not = inside.startsWith("^") || inside.startsWith("!");
    StringBuilder regex = new StringBuilder(not ? "[^" : "[");
    for (int i = not ? 1 : 0; i < inside.length(); i++) {
      char c = inside.charAt(i);
      if ("[]^&\\".indexOf(c) >= 0) {
        regex.append('\\');
      }
      regex.append(c);
    }
    return regex.append(']').toString();
  }

  /** The patterns that one with braces stands for. */
  private static List<String> alternatives(String pattern) {
    int depth = 0;
    List<Integer> cuts = new ArrayList<>();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '{' && ++depth == 1) {
        cuts.add(i);
      } else if (c == ',' && depth == 1) {
        cuts.add(i);
      } else if (c == '}' && depth > 0 && --depth == 0) {
        cuts.add(i);
        return alternatives(pattern, cuts);
      }
    }
    return List.of(pattern);
  }

  /**
   * One for each alternative.
   *
   * @param cuts where the braces and the commas between them stand
   */
  private static List<String> alternatives(String pattern, List<Integer> cuts) {
    List<String> all = new ArrayList<>();
    String before = pattern.substring(0, cuts.get(0));
    String behind = pattern.substring(cuts.get(cuts.size() - 1) + 1);
    for (int i = 1; i < cuts.size(); i++) {
      String one = pattern.substring(cuts.get(i - 1) + 1, cuts.get(i));
      all.addAll(alternatives(before + one + behind));
    }
    return all;
  }
}
