package io.plumbline.spark.source;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The splits of a data set, as files and folders are called: by the words and separators of {@code
 * datasets} (its data_files.py: {@code data/NAME-00000-of-00001}, and a keyword in the name of a
 * folder or file), and with the parts {@code _sft}, {@code _prefs} and {@code _gen} that data sets
 * of several stages have.
 */
final class Splits {
  private enum Use {
    TRAIN,
    HELD_OUT,
    /** Another name, which alone is no sign of splits. */
    OTHER
  }

  private static final Map<String, String> KEYWORDS =
      Map.ofEntries(
          Map.entry("train", "train"),
          Map.entry("training", "train"),
          Map.entry("validation", "validation"),
          Map.entry("valid", "validation"),
          Map.entry("dev", "validation"),
          Map.entry("val", "validation"),
          Map.entry("test", "test"),
          Map.entry("testing", "test"),
          Map.entry("eval", "test"),
          Map.entry("evaluation", "test"),
          Map.entry("heldout", "held-out"),
          Map.entry("holdout", "held-out"),
          Map.entry("held", "held-out"));

  private static final Set<String> STAGES = Set.of("sft", "prefs", "gen");
  private static final Pattern SEPARATORS = Pattern.compile("[-._ 0-9=]+");
  private static final Pattern SHARDED =
      Pattern.compile("(\\w+(?:\\.\\w+)*)-[0-9]{5}-of-[0-9]{5}.*");

  private final String given;
  private final Map<String, List<Storage.Entry>> named;
  private final List<Storage.Entry> unnamed;

  private Splits(
      String given, Map<String, List<Storage.Entry>> named, List<Storage.Entry> unnamed) {
    this.given = given;
    this.named = named;
    this.unnamed = unnamed;
  }

  /** By the names of files and of the folders below a root that ends in a slash. */
  static Splits byNames(String given, String root, List<Storage.Entry> files) {
    Map<String, List<Storage.Entry>> named = new TreeMap<>();
    List<Storage.Entry> unnamed = new ArrayList<>();
    for (Storage.Entry file : files) {
      Optional<String> split = split(below(root, file.path()));
      if (split.isPresent()) {
        named.computeIfAbsent(split.get(), name -> new ArrayList<>()).add(file);
      } else {
        unnamed.add(file);
      }
    }
    return new Splits(given, named, unnamed);
  }

  /** As somebody has said which files are whose. */
  static Splits declared(String given, Map<String, List<Storage.Entry>> named) {
    return new Splits(given, named, List.of());
  }

  static String below(String root, String path) {
    return path.startsWith(root) ? path.substring(root.length()) : path;
  }

  /** The split of a file by its path below the data set's root. */
  static Optional<String> split(String path) {
    String[] parts = path.split("/", -1);
    String name = parts[parts.length - 1];
    Matcher sharded = SHARDED.matcher(name);
    if (sharded.matches()) {
      return Optional.of(sharded.group(1));
    }
    for (String part : parts) {
      Optional<String> split = keyword(part);
      if (split.isPresent()) {
        return split;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> keyword(String name) {
    List<String> words = words(name);
    Optional<String> keyword =
        words.stream().filter(KEYWORDS::containsKey).findFirst().map(KEYWORDS::get);
    String stages =
        words.stream()
            .filter(STAGES::contains)
            .map(stage -> "_" + stage)
            .collect(Collectors.joining());
    return keyword.map(found -> found + stages);
  }

  private static List<String> words(String name) {
    return List.of(SEPARATORS.split(name.toLowerCase(Locale.ROOT).replace('_', '-')));
  }

  private static Use use(String split) {
    return words(split).stream()
        .filter(KEYWORDS::containsKey)
        .findFirst()
        .map(word -> KEYWORDS.get(word).equals("train") ? Use.TRAIN : Use.HELD_OUT)
        .orElse(Use.OTHER);
  }

  private List<String> of(Use use) {
    return named.keySet().stream().filter(split -> use(split) == use).toList();
  }

  private List<Storage.Entry> all() {
    List<Storage.Entry> all = new ArrayList<>(unnamed);
    named.values().forEach(all::addAll);
    all.sort(java.util.Comparator.comparing(Storage.Entry::path));
    return all;
  }

  /** The files of the one split that is wanted; all where there are no splits to choose from. */
  List<Storage.Entry> chosen(Purpose purpose, List<String> notes) {
    List<String> training = of(Use.TRAIN);
    List<String> held = of(Use.HELD_OUT);
    List<String> wanted = purpose == Purpose.TRAINING ? training : held;
    List<String> others = purpose == Purpose.TRAINING ? held : training;
    boolean single = training.size() + held.size() <= 1 && (held.isEmpty() || unnamed.isEmpty());
    if (single) {
      if (purpose == Purpose.TRAINING && !held.isEmpty()) {
        notes.add(
            "%s holds the split %s alone, which is read though it is called as what is held out"
                .formatted(given, held.get(0)));
      }
      return all();
    }
    if (wanted.size() != 1) {
      if (wanted.isEmpty() && others.size() == 1 && unnamed.isEmpty()) {
        return all();
      }
      throw mustChoose();
    }
    String split = wanted.get(0);
    List<Storage.Entry> files = named.get(split);
    notes.add(
        "%s holds %s: %s is read (%,d of %,d files); name another by its path, such as '%s'"
            .formatted(given, words(), split, files.size(), all().size(), pathOf(another(split))));
    return files;
  }

  private String another(String split) {
    return named.keySet().stream().filter(name -> !name.equals(split)).findFirst().orElse(split);
  }

  /** A glob is a choice; still it may match more than was meant. */
  void noteIfMixed(List<String> notes) {
    if (!of(Use.TRAIN).isEmpty() && !of(Use.HELD_OUT).isEmpty()) {
      notes.add("%s matches %s, and all of it is read".formatted(given, words()));
    }
  }

  private PlumblineException mustChoose() {
    List<String> training = of(Use.TRAIN);
    String example = training.isEmpty() ? named.keySet().iterator().next() : training.get(0);
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "%s holds %s, and one must be chosen: name its files, such as '%s'"
            .formatted(given, words(), pathOf(example)));
  }

  private String words() {
    Set<String> names = new LinkedHashSet<>(named.keySet());
    String splits = (names.size() == 1 ? "the split " : "the splits ") + String.join(", ", names);
    return unnamed.isEmpty()
        ? splits
        : splits + " and files of no split, such as " + unnamed.get(0).name();
  }

  /** A path or glob that names a split's files and no others, as far as names begin alike. */
  private String pathOf(String split) {
    List<Storage.Entry> files = named.get(split);
    String common = files.get(0).path();
    for (Storage.Entry file : files) {
      int i = 0;
      while (i < Math.min(common.length(), file.path().length())
          && common.charAt(i) == file.path().charAt(i)) {
        i++;
      }
      common = common.substring(0, i);
    }
    if (files.size() == 1) {
      return common;
    }
    return common.endsWith("/") ? common : common.replaceFirst("[0-9]+$", "") + "*";
  }
}
