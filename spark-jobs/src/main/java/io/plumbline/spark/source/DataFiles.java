package io.plumbline.spark.source;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.FileSlice;
import io.plumbline.data.FileSlice.Content;
import io.plumbline.data.FolderColumns;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The one rule for which files are data, wherever a command takes a path. A file that is named is
 * data. In directories and under globs, what is never data is left out, by its name: a name is no
 * sign of data, because Spark and others write files without a suffix. What is left is data, or
 * refused by what it holds. Of several splits the one that is wanted is taken.
 */
public final class DataFiles {
  /** What rows are for, which decides among the splits of a directory. */
  public enum Purpose {
    /** The one training split is taken. */
    TRAINING,
    /** The one split that is held out is taken. */
    HELD_OUT
  }

  /**
   * The files that a path stands for.
   *
   * @param files at least one, by path
   * @param notes what a user would not expect, in a line each: what was left out, what is not read
   * @param folders by the path of a file the columns that the names of its folders have
   */
  public record Found(
      List<Storage.Entry> files, List<String> notes, Map<String, Map<String, Object>> folders) {
    /** The columns that every row of a file has besides its own. */
    public Map<String, Object> foldersOf(Storage.Entry file) {
      return folders.getOrDefault(file.path(), Map.of());
    }

    /** Each file as one slice. */
    public List<FileSlice> slices() {
      return files.stream()
          .map(file -> FileSlice.whole(file.path()).withFolders(foldersOf(file)))
          .toList();
    }

    /** All files in slices of about so many bytes, in order. */
    public List<FileSlice> slices(Storage storage, long bytes) {
      return files.stream().flatMap(file -> slices(storage, file, bytes).stream()).toList();
    }

    /**
     * A file in slices of about so many bytes: JSON lines and Parquet; others stay whole. Looks
     * into files that are larger.
     */
    public List<FileSlice> slices(Storage storage, Storage.Entry file, long bytes) {
      return ofAnyFolder(storage, file, bytes).stream()
          .map(slice -> slice.withFolders(foldersOf(file)))
          .toList();
    }

    private static List<FileSlice> ofAnyFolder(Storage storage, Storage.Entry file, long bytes) {
      if (file.length() <= bytes) {
        return List.of(FileSlice.whole(file.path()));
      }
      Content content = DataFileReader.content(storage, file.path());
      if (content == Content.PARQUET) {
        return DataFileReader.parquetSlices(storage, file.path(), bytes);
      }
      if (content != Content.JSON_LINES) {
        return List.of(new FileSlice(file.path(), content, 0, Long.MAX_VALUE, 0));
      }
      List<FileSlice> slices = new ArrayList<>();
      for (long start = 0; start < file.length(); start += bytes) {
        long end = start + bytes >= file.length() ? Long.MAX_VALUE : start + bytes;
        slices.add(new FileSlice(file.path(), content, start, end, 0));
      }
      return slices;
    }
  }

  private static final Set<String> NO_DATA_NAMES =
      Set.of(
          "readme",
          "license",
          "licence",
          "copying",
          "notice",
          "citation",
          "changelog",
          "authors",
          "contributing",
          "dockerfile",
          "makefile",
          "checksums",
          "sha256sums",
          "sha512sums",
          "md5sums",
          "manifest");

  /** Descriptions of data, of models, and of what Plumbline itself writes. */
  private static final Set<String> NO_DATA_JSON =
      Set.of(
          "dataset_infos.json",
          "dataset_info.json",
          "dataset_dict.json",
          "state.json",
          "croissant.json",
          "metadata.json",
          "config.json",
          "adapter_config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          Manifest.FILE,
          "generate.json",
          "mine.json",
          "evaluation.json",
          "run.json",
          "tracking.json");

  private static final Pattern NO_DATA_SUFFIX =
      Pattern.compile(
          ".*\\.(md|rst|txt|py|pyc|ipynb|sh|ps1|yaml|yml|toml|cfg|ini|html|htm|css|js|pdf|png|jpg"
              + "|jpeg|gif|svg|webp|bib|tex|log|lock|crc|md5|sha1|sha256|sha512|sig|asc"
              + "|gitattributes|gitignore|gitkeep|duckdb|tmp|bak|swp|ds_store)");

  /** Where the pattern in a glob begins. */
  static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  /** So many files are looked at before any work; others when they are read. */
  private static final int MOST_LOOKED_AT = 24;

  private static final int NAMED = 5;

  private DataFiles() {}

  /** Whether a file of a directory is data, as far as its name says. */
  static boolean isData(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String stem = lower.indexOf('.') < 0 ? lower : lower.substring(0, lower.indexOf('.'));
    return !lower.startsWith(".")
        && !lower.startsWith("_")
        && !lower.endsWith("~")
        && !NO_DATA_JSON.contains(lower)
        && !NO_DATA_SUFFIX.matcher(lower).matches()
        && !(NO_DATA_NAMES.contains(lower) || (NO_DATA_NAMES.contains(stem) && !isJson(lower)));
  }

  private static boolean isJson(String lower) {
    return lower.matches(".*\\.(jsonl|ndjson|json|parquet)(\\.[a-z0-9]+)?");
  }

  /**
   * The files of a path, a directory or a glob.
   *
   * @throws PlumblineException INPUT_NOT_FOUND where there is none, BAD_USAGE where a directory has
   *     splits and none of them is the one that is wanted, BAD_DATA where it is of {@code
   *     datasets'} own form
   */
  public static Found find(Storage storage, String given, Purpose purpose) {
    List<Storage.Entry> all = storage.expand(given);
    boolean literal = storage.exists(given);
    if (literal && !storage.isDirectory(given)) {
      return new Found(all, List.of(), Map.of());
    }
    refuseSavedToDisk(given, all);
    List<Storage.Entry> data = all.stream().filter(file -> isData(file.name())).toList();
    if (data.isEmpty()) {
      throw noData(given, all);
    }
    String root = Storage.join(literal ? given : globRoot(storage, given), "");
    List<String> notes = new ArrayList<>();
    List<Storage.Entry> files = data;
    if (literal) {
      Splits splits =
          HubCard.of(storage, given)
              .flatMap(card -> card.splits(purpose, notes))
              .orElseGet(() -> Splits.byNames(given, root, data));
      files = splits.chosen(purpose, notes);
    } else {
      Splits.byNames(given, root, data).noteIfMixed(notes);
    }
    Map<String, Map<String, Object>> folders = folders(root, files, notes);
    return new Found(files, List.copyOf(notes), folders);
  }

  /**
   * The files of a value of {@code --data}, CSV and TSV included; empty for a table or a query.
   * Fails as {@link #find} does.
   */
  public static Optional<Found> of(Storage storage, String given, Purpose purpose) {
    if (DelimitedFiles.isNamedBy(given)) {
      return Optional.of(DelimitedFiles.of(given).files(storage, purpose));
    }
    return SparkSources.kind(storage, given) == SparkSources.Kind.FILES
        ? Optional.of(find(storage, given, purpose))
        : Optional.empty();
  }

  /**
   * Refuses files of formats that are not read, before any work, by the first bytes of some of
   * them.
   *
   * @throws PlumblineException BAD_DATA with a sentence that says what the file is and what to do
   */
  public static void requireReadable(Storage storage, List<Storage.Entry> files) {
    int step = Math.max(1, (files.size() + MOST_LOOKED_AT - 1) / MOST_LOOKED_AT);
    for (int i = 0; i < files.size(); i += step) {
      DataFileReader.content(storage, files.get(i).path());
    }
  }

  /** A path in which Spark and Hadoop find no glob. */
  static String escaped(String path) {
    return path.replaceAll("([\\\\*?\\[\\]{}])", "\\\\$1");
  }

  private static String globRoot(Storage storage, String glob) {
    String full = storage.absolute(glob);
    Matcher sign = GLOB.matcher(full);
    String before = sign.find() ? full.substring(0, sign.start()) : full;
    return before.substring(0, Math.max(0, before.lastIndexOf('/')));
  }

  /** What {@code Dataset.save_to_disk} writes is Arrow's stream with a state beside it. */
  private static void refuseSavedToDisk(String given, List<Storage.Entry> all) {
    Set<String> names = all.stream().map(Storage.Entry::name).collect(Collectors.toSet());
    if (names.contains("state.json") && names.stream().anyMatch(name -> name.endsWith(".arrow"))) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          ("%s was written by save_to_disk of datasets, whose Arrow files are not read: write it as"
                  + " Parquet, as in datasets.load_from_disk('%s')%s.to_parquet('rows.parquet')")
              .formatted(given, given, names.contains("dataset_dict.json") ? "['train']" : ""));
    }
  }

  private static PlumblineException noData(String given, List<Storage.Entry> all) {
    Set<String> names =
        all.stream().map(Storage.Entry::name).collect(Collectors.toCollection(TreeSet::new));
    String there =
        names.isEmpty()
            ? "it has no file"
            : "it has only "
                + names.stream().limit(NAMED).collect(Collectors.joining(", "))
                + (names.size() > NAMED ? ", ..." : "");
    return new PlumblineException(
        ErrorCode.INPUT_NOT_FOUND,
        "%s names no data file (%s); name files of JSON lines, a JSON array or Parquet, each by its own path where its name is not one of data"
            .formatted(given, there));
  }

  /** As Spark and pyarrow read the names of folders. */
  private static Map<String, Map<String, Object>> folders(
      String root, List<Storage.Entry> files, List<String> notes) {
    Map<String, Map<String, Object>> read =
        FolderColumns.of(files.stream().map(file -> Splits.below(root, file.path())).toList());
    Map<String, Map<String, Object>> folders = new LinkedHashMap<>();
    Set<String> columns = new TreeSet<>();
    for (Storage.Entry file : files) {
      Map<String, Object> own = read.get(Splits.below(root, file.path()));
      if (!own.isEmpty()) {
        folders.put(file.path(), own);
        columns.addAll(own.keySet());
      }
    }
    if (!columns.isEmpty()) {
      notes.add(
          "the rows of %s have the columns %s from the names of its folders"
              .formatted(root, String.join(", ", columns)));
    }
    return folders;
  }
}
