package io.plumbline.spark.source;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What the card of a data set, the YAML at the head of its README.md, says about its files: {@code
 * configs}, each with a name and {@code data_files} by split, as {@code datasets} reads them.
 */
final class HubCard {
  private static final String CARD = "README.md";
  private static final long MOST_BYTES = 4 << 20;

  private final Storage storage;
  private final String directory;

  /** Patterns by split, by the name of a configuration. */
  private final Map<String, Map<String, List<String>>> configurations;

  private final Optional<String> preferred;

  private HubCard(
      Storage storage,
      String directory,
      Map<String, Map<String, List<String>>> configurations,
      Optional<String> preferred) {
    this.storage = storage;
    this.directory = directory;
    this.configurations = configurations;
    this.preferred = preferred;
  }

  /** The card of a directory; empty where it has none that says which files there are. */
  static Optional<HubCard> of(Storage storage, String directory) {
    String path = Storage.join(directory, CARD);
    if (!storage.exists(path) || storage.isDirectory(path) || storage.size(path) > MOST_BYTES) {
      return Optional.empty();
    }
    Optional<String> yaml = frontMatter(storage.readText(path));
    if (yaml.isEmpty()) {
      return Optional.empty();
    }
    return CardYaml.value(yaml.get(), "configs").orElse("") instanceof List<?> configs
        ? of(storage, directory, configs)
        : Optional.empty();
  }

  private static Optional<String> frontMatter(String text) {
    String lines = text.replace("\ufeff", "").replace("\r\n", "\n");
    if (!lines.startsWith("---\n")) {
      return Optional.empty();
    }
    int end = lines.indexOf("\n---", 3);
    return end < 0 ? Optional.empty() : Optional.of(lines.substring(4, Math.max(4, end)));
  }

  private static Optional<HubCard> of(Storage storage, String directory, List<?> configs) {
    Map<String, Map<String, List<String>>> configurations = new LinkedHashMap<>();
    Optional<String> preferred = Optional.empty();
    for (Object one : configs) {
      if (!(one instanceof Map<?, ?> config)) {
        continue;
      }
      Map<String, List<String>> splits = splits(config.get("data_files"));
      if (splits.isEmpty()) {
        continue;
      }
      String name = String.valueOf(config.get("config_name"));
      configurations.put(name, splits);
      if (String.valueOf(config.get("default")).equals("true")
          || (name.equals("default") && preferred.isEmpty())) {
        preferred = Optional.of(name);
      }
    }
    return configurations.isEmpty()
        ? Optional.empty()
        : Optional.of(new HubCard(storage, directory, configurations, preferred));
  }

  /** Patterns without a split are of the training split, as in datasets. */
  private static Map<String, List<String>> splits(Object files) {
    Map<String, List<String>> splits = new TreeMap<>();
    if (files instanceof Map<?, ?> map) {
      map.forEach((split, path) -> splits.put(String.valueOf(split), texts(path)));
    } else if (files instanceof List<?> list) {
      for (Object one : list) {
        if (one instanceof Map<?, ?> map) {
          String split = map.containsKey("split") ? String.valueOf(map.get("split")) : "train";
          splits.computeIfAbsent(split, name -> new ArrayList<>()).addAll(texts(map.get("path")));
        } else {
          splits.computeIfAbsent("train", name -> new ArrayList<>()).addAll(texts(one));
        }
      }
    } else if (files != null) {
      splits.put("train", texts(files));
    }
    return splits;
  }

  private static List<String> texts(Object value) {
    if (value instanceof List<?> list) {
      return list.stream().map(String::valueOf).toList();
    }
    return value == null || value.equals("") ? List.of() : List.of(String.valueOf(value));
  }

  /**
   * The splits of the one configuration, or of the one that is called the default.
   *
   * @return empty where its files are not there, as where only a part was downloaded
   * @throws PlumblineException BAD_USAGE where there are several and none is the default
   */
  Optional<Splits> splits(Purpose purpose, List<String> notes) {
    String configuration;
    if (configurations.size() == 1) {
      configuration = configurations.keySet().iterator().next();
    } else if (preferred.isPresent()) {
      configuration = preferred.get();
      notes.add(
          "%s holds the configurations %s: %s is read, its default; name files of another by their path"
              .formatted(directory, String.join(", ", configurations.keySet()), configuration));
    } else {
      throw mustChoose(purpose);
    }
    Map<String, List<Storage.Entry>> files = new TreeMap<>();
    configurations
        .get(configuration)
        .forEach(
            (split, patterns) -> {
              Map<String, Storage.Entry> found = new TreeMap<>();
              patterns.forEach(pattern -> files(pattern).forEach(e -> found.put(e.path(), e)));
              if (!found.isEmpty()) {
                files.put(split, List.copyOf(found.values()));
              }
            });
    return files.isEmpty() ? Optional.empty() : Optional.of(Splits.declared(directory, files));
  }

  private List<Storage.Entry> files(String pattern) {
    // The directory's own name is no pattern.
    String root = DataFiles.escaped(directory);
    try {
      return storage.expand(Storage.join(root, pattern)).stream()
          .filter(file -> DataFiles.isData(file.name()))
          .map(this::asGiven)
          .toList();
    } catch (PlumblineException e) {
      if (e.code() != ErrorCode.INPUT_NOT_FOUND) {
        throw e;
      }
      return List.of();
    }
  }

  /** A glob gives whole paths where the directory may be a relative one. */
  private Storage.Entry asGiven(Storage.Entry file) {
    String root = Storage.join(storage.absolute(directory), "");
    return file.path().startsWith(root)
        ? new Storage.Entry(
            Storage.join(directory, file.path().substring(root.length())),
            file.length(),
            file.directory())
        : file;
  }

  private PlumblineException mustChoose(Purpose purpose) {
    Map<String, List<String>> first = configurations.values().iterator().next();
    String wanted = purpose == Purpose.TRAINING ? "train" : "test";
    String pattern =
        first.getOrDefault(wanted, first.values().iterator().next()).stream()
            .collect(Collectors.joining(" "));
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "%s holds the configurations %s, and one must be chosen: name its files, such as '%s'"
            .formatted(
                directory,
                String.join(", ", configurations.keySet()),
                Storage.join(directory, pattern)));
  }
}
