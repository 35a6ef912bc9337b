package io.plumbline.rollout.ledger;

import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of the files of a ledger. */
record LedgerDirectory(Storage storage, String path) {
  private static final Pattern STEP_FILE = Pattern.compile("step-(\\d{8,18})\\.parquet");

  private static String name(long step) {
    return String.format(Locale.ROOT, "step-%08d", step);
  }

  String file(long step) {
    return Storage.join(path, name(step) + ".parquet");
  }

  /** Where ranks leave their parts; readers pass over names with an underscore. */
  String parts() {
    return Storage.join(path, "_parts");
  }

  String parts(long step) {
    return Storage.join(parts(), name(step));
  }

  String part(long step, int rank) {
    return Storage.join(parts(step), String.format(Locale.ROOT, "rank-%05d.parquet", rank));
  }

  /** The files that are there, by step. */
  SortedMap<Long, String> files() {
    SortedMap<Long, String> files = new TreeMap<>();
    for (Storage.Entry entry : storage.list(path)) {
      Matcher name = STEP_FILE.matcher(entry.name());
      if (!entry.directory() && name.matches()) {
        files.put(Long.parseLong(name.group(1)), entry.path());
      }
    }
    return files;
  }

  /** Files that writers which died had not yet given their names. */
  List<String> unfinished() {
    return storage.list(path).stream()
        .filter(entry -> entry.name().startsWith(".step-"))
        .map(Storage.Entry::path)
        .toList();
  }
}
