package io.plumbline.spark.training;

import io.plumbline.spark.source.DataFiles;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Sizes and times of the files that a run reads, to name those that have changed since. */
final class InputFiles {
  /** Times cost a request each on object stores; more files are told by their number alone. */
  private static final int MOST = 100;

  private static final int MOST_NAMED = 3;
  private static final String FILES = "files in all";

  private InputFiles() {}

  /** What is told of each file of a request's model and training data, by option. */
  static SortedMap<String, SortedMap<String, String>> of(Storage storage, TrainingRequest request) {
    SortedMap<String, SortedMap<String, String>> files = new TreeMap<>();
    files.put(
        "model",
        told(
            storage,
            storage.list(request.files().model()).stream()
                .filter(entry -> !entry.directory())
                .toList()));
    List<Storage.Entry> data = new ArrayList<>();
    for (String source : request.files().sources()) {
      // Tables and queries have no files that could be told.
      DataFiles.of(storage, source, DataFiles.Purpose.TRAINING)
          .ifPresent(found -> data.addAll(found.files()));
    }
    files.put("data", told(storage, data));
    return files;
  }

  private static SortedMap<String, String> told(Storage storage, List<Storage.Entry> entries) {
    SortedMap<String, String> told = new TreeMap<>();
    if (entries.size() > MOST) {
      told.put(FILES, Integer.toString(entries.size()));
      return told;
    }
    for (Storage.Entry entry : entries) {
      told.put(
          storage.absolute(entry.path()),
          entry.length() + " bytes of " + storage.modified(entry.path()));
    }
    return told;
  }

  /** What has changed, as a part of a sentence; empty where these show no change. */
  static String changes(SortedMap<String, String> before, SortedMap<String, String> now) {
    List<String> changes = new ArrayList<>();
    NavigableSet<String> paths = new TreeSet<>(before.keySet());
    paths.addAll(now.keySet());
    for (String path : paths) {
      String was = before.get(path);
      String is = now.get(path);
      if (was == null) {
        changes.add(path + " is new");
      } else if (is == null) {
        changes.add(path + " is gone");
      } else if (!was.equals(is)) {
        changes.add("%s was %s and is %s".formatted(path, was, is));
      }
    }
    if (changes.size() > MOST_NAMED) {
      int more = changes.size() - MOST_NAMED;
      return String.join("; ", changes.subList(0, MOST_NAMED)) + "; and " + more + " more";
    }
    return String.join("; ", changes);
  }
}
