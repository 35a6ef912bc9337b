package io.plumbline.spark.cli;

import io.plumbline.checkpoint.Fingerprint;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.spark.training.ScoringModels;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files that a stage reads and no stage of its pipeline writes, with fingerprints of them. */
final class StageInputs {
  private static final String REWARD = "reward";

  /** Options that name what is read. */
  private static final Set<String> READ =
      Set.of(
          "model",
          "data",
          "eval-data",
          "prompts",
          "policy",
          "reference",
          "reward-model",
          "critic-model",
          "ptx-data",
          REWARD);

  /** What is no path of files; only running it shows what it holds. */
  private static final Pattern NO_FILES = Pattern.compile("(table|sql|delta|iceberg):.*");

  private static final Pattern WEIGHT = Pattern.compile("(.+):[0-9.eE+-]+");
  private static final Pattern NAMED_POLICY = Pattern.compile("[^/=]+=(.+)");

  /** Up to so many bytes the content counts, beyond it names, lengths and times. */
  private static final long MOST_BYTES_READ = 64L << 20;

  private StageInputs() {}

  /** What an option of a stage names outside of its pipeline. */
  record Input(String option, String path) {}

  /** The paths of files that a stage reads from outside its pipeline, as the options name them. */
  static List<String> outside(PipelineStage stage, Storage storage) {
    return inputs(stage, storage).stream().map(Input::path).toList();
  }

  /** The same with the options. */
  static List<Input> inputs(PipelineStage stage, Storage storage) {
    List<Input> paths = new ArrayList<>();
    stage
        .written()
        .forEach(
            (option, texts) -> {
              if (!READ.contains(option)) {
                return;
              }
              for (int i = 0; i < texts.size(); i++) {
                // What another stage writes is known by that stage.
                if (!texts.get(i).contains("${")) {
                  path(option, stage.resolved().get(option).get(i), storage)
                      .filter(path -> !NO_FILES.matcher(path).matches())
                      .ifPresent(path -> paths.add(new Input(option, path)));
                }
              }
            });
    return paths;
  }

  /** What an option's text reads; empty for rewards that are no models. */
  private static Optional<String> path(String option, String text, Storage storage) {
    if (option.equals(REWARD)) {
      return ScoringModels.path(text);
    }
    Matcher named = NAMED_POLICY.matcher(text);
    if (option.equals("policy") && named.matches()) {
      return Optional.of(named.group(1));
    }
    Matcher weight = WEIGHT.matcher(text);
    boolean weighted =
        weight.matches()
            && !NO_FILES.matcher(text).matches()
            && (SparkSources.isDelimited(text) || !storage.exists(text));
    return Optional.of(SparkSources.pathIn(weighted ? weight.group(1) : text));
  }

  /** Adds a problem for each of those that is not there. */
  static void requireAll(PipelineStage stage, Storage storage, Problems problems) {
    for (String path : outside(stage, storage)) {
      try {
        storage.expand(path);
      } catch (PlumblineException e) {
        problems.add(String.format("Stage %s: %s", stage.name(), notThere(e).getMessage()));
      }
    }
  }

  /** Fingerprints by path; an empty one of what is not there. */
  static Map<String, String> fingerprints(PipelineStage stage, Storage storage) {
    Map<String, String> fingerprints = new LinkedHashMap<>();
    for (String path : outside(stage, storage)) {
      fingerprints.put(path, fingerprint(path, storage));
    }
    return fingerprints;
  }

  private static PlumblineException notThere(PlumblineException e) {
    if (e.code() != ErrorCode.INPUT_NOT_FOUND) {
      throw e;
    }
    return e;
  }

  private static String fingerprint(String path, Storage storage) {
    List<Storage.Entry> files;
    try {
      files = storage.expand(path);
    } catch (PlumblineException e) {
      notThere(e);
      return "";
    }
    boolean read = files.stream().mapToLong(Storage.Entry::length).sum() <= MOST_BYTES_READ;
    Fingerprint fingerprint = Fingerprint.of("plumbline.pipeline.input.1");
    for (Storage.Entry file : files) {
      fingerprint.text("path", file.path()).number("length", file.length());
      if (read) {
        fingerprint.bytes("content", storage.readBytes(file.path()));
      } else {
        fingerprint.number("modified", storage.modified(file.path()).toEpochMilli());
      }
    }
    return fingerprint.hex();
  }
}
