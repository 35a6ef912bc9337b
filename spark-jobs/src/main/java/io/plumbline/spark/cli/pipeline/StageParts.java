package io.plumbline.spark.cli.pipeline;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Algorithms;
import io.plumbline.storage.Storage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The commands that can be a stage of a pipeline, and what each leaves in its output directory for
 * stages behind it.
 *
 * @param parts paths below the output by the name that references use; an empty path for the output
 *     itself
 * @param result the path that is there when the work is complete; for a command that only writes to
 *     standard output, the pipeline knows it
 * @param remains what becomes of an output that an earlier call left unfinished
 */
public record StageParts(Map<String, String> parts, String result, Remains remains) {
  /** What becomes of an output that was begun and not completed. */
  enum Remains {
    /** The command continues from them by its own option. */
    RESUMED,
    /** The command finds by content what is there. */
    FOUND,
    /** They are deleted first. */
    DELETED
  }

  static final String OUTPUT = "output";
  private static final String CHECKPOINT = "checkpoint";
  private static final String CONFIG = "config.json";
  private static final Map<String, StageParts> BY_COMMAND = new LinkedHashMap<>();

  static {
    BY_COMMAND.put("init-model", new StageParts(Map.of(CHECKPOINT, ""), CONFIG, Remains.DELETED));
    BY_COMMAND.put("add-tokens", new StageParts(Map.of(CHECKPOINT, ""), CONFIG, Remains.DELETED));
    BY_COMMAND.put("merge", new StageParts(Map.of(CHECKPOINT, ""), CONFIG, Remains.DELETED));
    BY_COMMAND.put("prepare", new StageParts(Map.of(), "prepared", Remains.FOUND));
    BY_COMMAND.put("reference", new StageParts(Map.of(), "prepared", Remains.FOUND));
    for (Algorithm algorithm : Algorithms.ALL) {
      BY_COMMAND.put(
          algorithm.command(),
          new StageParts(algorithm.parts(), CHECKPOINT + "/" + CONFIG, Remains.RESUMED));
    }
    BY_COMMAND.put(
        "generate",
        new StageParts(Map.of("data", "completions"), "generate.json", Remains.RESUMED));
    BY_COMMAND.put("mine", new StageParts(Map.of("data", "data"), "mine.json", Remains.DELETED));
    BY_COMMAND.put("score", new StageParts(Map.of(), "", Remains.DELETED));
    BY_COMMAND.put(
        "evaluate",
        new StageParts(
            Map.of("evaluation", "evaluation.json"), "evaluation.json", Remains.DELETED));
  }

  /** Whether a result is there: of a model, or of an adapter in its place. */
  static boolean isThere(Storage storage, String output, String result) {
    String path = Storage.join(output, result);
    return path.endsWith("/" + CONFIG)
        ? ModelDirectory.isIn(storage, path.substring(0, path.length() - CONFIG.length() - 1))
        : storage.exists(path);
  }

  public StageParts {
    parts = Map.copyOf(parts);
  }

  /** Empty for commands that are no stage. */
  public static Optional<StageParts> of(String command) {
    return Optional.ofNullable(BY_COMMAND.get(command));
  }

  /** The names of all commands that can be a stage. */
  public static List<String> commands() {
    return List.copyOf(BY_COMMAND.keySet());
  }

  /** Where a part stands; empty where the command leaves none of that name. */
  Optional<String> path(String output, String part) {
    if (part.equals(OUTPUT)) {
      return Optional.of(output);
    }
    return Optional.ofNullable(parts.get(part))
        .map(path -> path.isEmpty() ? output : Storage.join(output, path));
  }
}
