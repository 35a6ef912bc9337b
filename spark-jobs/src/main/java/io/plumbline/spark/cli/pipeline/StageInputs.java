package io.plumbline.spark.cli.pipeline;

import io.plumbline.advantage.CostSpec;
import io.plumbline.base.Fingerprint;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.spark.source.WeightedSource;
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
  private static final String COST = "cost";

  /** Options that name rows, with the split of a directory that is read. */
  private static final Map<String, Purpose> ROWS =
      Map.of(
          "data", Purpose.TRAINING,
          "eval-data", Purpose.HELD_OUT,
          "prompts", Purpose.HELD_OUT,
          "ptx-data", Purpose.TRAINING);

  /** Options that name models or what belongs to one, rewards and tokens among them. */
  private static final Set<String> MODELS =
      Set.of(
          "model",
          "policy",
          "reference",
          "reward-model",
          "critic-model",
          "adapter",
          "tokens-file",
          RunTemplates.TEMPLATE,
          REWARD,
          COST);

  private static final Pattern NAMED_POLICY = Pattern.compile("[^/=]+=(.+)");

  /** Up to so many bytes the content counts, beyond it names, lengths and times. */
  private static final long MOST_BYTES_READ = 64L << 20;

  private StageInputs() {}

  /**
   * What an option of a stage names outside of its pipeline.
   *
   * @param given without a weight
   * @param purpose of rows; empty for models
   */
  record Input(String option, String given, Optional<Purpose> purpose) {
    String path() {
      return SparkSources.pathIn(given);
    }

    /** The files that are read. */
    private List<Storage.Entry> files(Storage storage) {
      return purpose
          .flatMap(use -> DataFiles.of(storage, given, use))
          .map(DataFiles.Found::files)
          .orElseGet(() -> storage.expand(path()));
    }
  }

  /** Whether an option names something that is read. */
  static boolean isRead(String option) {
    return MODELS.contains(option) || ROWS.containsKey(option);
  }

  /** What a stage reads from outside its pipeline. */
  static List<Input> inputs(PipelineStage stage) {
    List<Input> inputs = new ArrayList<>();
    stage
        .written()
        .forEach(
            (option, texts) -> {
              if (!isRead(option)) {
                return;
              }
              Optional<Purpose> purpose = purpose(stage, option);
              for (int i = 0; i < texts.size(); i++) {
                // What another stage writes is known by that stage.
                if (!texts.get(i).contains("${")) {
                  given(stage, option, stage.resolved().get(option).get(i))
                      .ifPresent(given -> inputs.add(new Input(option, given, purpose)));
                }
              }
            });
    return inputs;
  }

  private static Optional<Purpose> purpose(PipelineStage stage, String option) {
    boolean measured = stage.command().name().equals("evaluate");
    return Optional.ofNullable(ROWS.get(option)).map(use -> measured ? Purpose.HELD_OUT : use);
  }

  /**
   * What an option's text reads; empty for rewards that are no models, and for tables and queries,
   * of which only reading them shows what they hold.
   */
  private static Optional<String> given(PipelineStage stage, String option, String text) {
    return switch (option) {
      case REWARD -> RewardSpec.parse(text).modelPath();
      case COST -> RewardSpec.parse(CostSpec.parse(text).rewardSpec()).modelPath();
      case "policy" -> {
        Matcher named = NAMED_POLICY.matcher(text);
        yield Optional.of(named.matches() ? named.group(1) : text);
      }
      default ->
          Optional.of(isWeighed(stage, option) ? WeightedSource.of(text).source() : text)
              .filter(given -> !ROWS.containsKey(option) || SparkSources.namesFiles(given));
    };
  }

  private static boolean isWeighed(PipelineStage stage, String option) {
    return option.equals(TrainingSettings.DATA.name())
        && stage.command().settings().stream()
            .filter(setting -> setting.name().equals(option))
            .anyMatch(setting -> setting.label().equals(TrainingSettings.DATA.label()));
  }

  /** Adds a problem for each of those that is not there. */
  static void requireAll(PipelineStage stage, Storage storage, Problems problems) {
    for (Input input : inputs(stage)) {
      try {
        input.files(storage);
      } catch (PlumblineException e) {
        if (!isFaultOfInput(e)) {
          throw e;
        }
        problems.add(String.format("Stage %s: %s", stage.name(), e.getMessage()));
      }
    }
  }

  /** Fingerprints by path; an empty one of what is not there. */
  static Map<String, String> fingerprints(PipelineStage stage, Storage storage) {
    Map<String, String> fingerprints = new LinkedHashMap<>();
    for (Input input : inputs(stage)) {
      fingerprints.put(input.path(), fingerprint(input, storage));
    }
    return fingerprints;
  }

  private static boolean isFaultOfInput(PlumblineException e) {
    return e.code() == ErrorCode.INPUT_NOT_FOUND
        || e.code() == ErrorCode.BAD_DATA
        || e.code() == ErrorCode.BAD_USAGE;
  }

  private static String fingerprint(Input input, Storage storage) {
    List<Storage.Entry> files;
    try {
      files = input.files(storage);
    } catch (PlumblineException e) {
      if (!isFaultOfInput(e)) {
        throw e;
      }
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
