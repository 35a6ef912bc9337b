package io.plumbline.spark.mine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.CountOrShare;
import io.plumbline.base.Fingerprint;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.Secrets;
import io.plumbline.data.LengthLimits;
import io.plumbline.mine.BestAgainstWorst;
import io.plumbline.mine.BestOf;
import io.plumbline.mine.HardNegatives;
import io.plumbline.mine.StatisticalRejection;
import io.plumbline.mine.Strategy;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.evaluate.RowSources;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What is to be mined.
 *
 * @param model Hugging Face directory of the policy, seen by all executors
 * @param data rows with prompts, as {@code --data} names them
 * @param rewards whose weighted sum is a completion's reward
 * @param maxPromptLength prompts keep so many last tokens; 0 for all
 * @param cutOff what becomes of completions that reached the greatest length
 * @param badRows how many prompts may be refused
 * @param failedRewards how many completions may have a reward that failed
 */
public record MiningRequest(
    String model,
    RowSources data,
    List<RewardSpec> rewards,
    Strategy strategy,
    DecodingSettings decoding,
    ComputeDtype dtype,
    int maxPromptLength,
    CutOff cutOff,
    CountOrShare badRows,
    CountOrShare failedRewards) {

  /** Stands before fingerprints that compare option by option; older ones have nothing there. */
  static final String FORMAT = "2:";

  /**
   * Model and template may lie elsewhere: their content is compared. Values as in {@link
   * DecidingOptions}.
   */
  private static final DecidingOptions.Rules RULES =
      new DecidingOptions.Rules(
          Set.of("model", RunTemplates.TEMPLATE),
          Map.of(
              "temperature", "1",
              "top-k", "0",
              "top-p", "1",
              "min-p", "0",
              "repetition-penalty", "1",
              "compute-dtype", "f32",
              "mask-truncated-completions", "false"),
          Map.of());

  /** What becomes of completions that were cut off. */
  public enum CutOff {
    KEPT,
    /** TRL's mask_truncated_completions. */
    LEFT_OUT
  }

  public MiningRequest {
    rewards = List.copyOf(rewards);
  }

  /**
   * This request with the date that chat templates read: the one that is given, that of what was
   * mined before, or now.
   *
   * @param before what mine.json says of what was mined before
   */
  MiningRequest dated(Storage storage, Optional<ObjectNode> before) {
    List<String> scoring = rewards.stream().flatMap(reward -> reward.modelPath().stream()).toList();
    RunTemplates templates =
        data.templates()
            .dated(
                storage,
                List.of(model),
                scoring,
                before.map(json -> RunTemplates.dateIn(json.path("configuration"))));
    return new MiningRequest(
        model,
        data.with(templates),
        rewards,
        strategy,
        decoding,
        dtype,
        maxPromptLength,
        cutOff,
        badRows,
        failedRewards);
  }

  /** Whether rows are pairs; otherwise they are single completions. */
  boolean makesPairs() {
    return strategy instanceof BestAgainstWorst || strategy instanceof HardNegatives;
  }

  LengthLimits limits() {
    return new LengthLimits(0, maxPromptLength, LengthLimits.Truncation.KEEP_START);
  }

  /** The options by their names, as mine.json has them. */
  public ObjectNode configuration() {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("model", model);
    data.data().forEach(json.putArray("data")::add);
    data.columns().texts().forEach(column -> json.withArray("columns").add(column));
    rewards.forEach(reward -> json.withArray("reward").add(reward.text()));
    if (strategy instanceof BestAgainstWorst pairs) {
      json.put("strategy", "best-worst");
      json.put("margin", pairs.margin()).put("pairs_per_prompt", pairs.pairsPerPrompt());
    } else if (strategy instanceof HardNegatives pairs) {
      json.put("strategy", "hard-negatives");
      json.put("margin", pairs.margin()).put("pairs_per_prompt", pairs.pairsPerPrompt());
    } else if (strategy instanceof BestOf best) {
      rejection(json, best.threshold(), best.rowsPerPrompt());
    } else if (strategy instanceof StatisticalRejection sampled) {
      rejection(json, sampled.threshold(), sampled.rowsPerPrompt());
      json.put("beta", sampled.beta());
    }
    json.setAll(decoding.toJson());
    json.put("compute_dtype", dtype.name().toLowerCase(java.util.Locale.ROOT));
    if (maxPromptLength > 0) {
      json.put("max_prompt_length", maxPromptLength);
    }
    data.templates().addTo(json);
    return Secrets.masked(json.put("mask_truncated_completions", cutOff == CutOff.LEFT_OUT));
  }

  private static void rejection(ObjectNode json, double threshold, int rowsPerPrompt) {
    json.put("strategy", "rejection");
    if (threshold > Double.NEGATIVE_INFINITY) {
      json.put("threshold", threshold);
    }
    json.put("rows_per_prompt", rowsPerPrompt);
  }

  /** What of a configuration decides which rows come out, by the options of the command line. */
  static DecidingOptions deciding(ObjectNode configuration) {
    ObjectNode options = Json.MAPPER.createObjectNode();
    configuration
        .properties()
        .forEach(option -> options.set(option.getKey().replace('_', '-'), option.getValue()));
    return DecidingOptions.of(options, RULES);
  }

  /**
   * Is the same where the same rows would come out, as far as names, sizes and times of files tell.
   *
   * @param dataFingerprint as {@link #dataFingerprint} gives it
   */
  String fingerprint(Storage storage, ModelDirectory opened, String dataFingerprint) {
    Fingerprint fingerprint =
        Fingerprint.of("plumbline.mine.2").text("model", opened.fingerprint());
    String template = opened.tokenizerFiles().rendering().template();
    if (!template.isEmpty()) {
      fingerprint.text("chat template", template);
    }
    deciding(configuration()).addTo(fingerprint);
    for (RewardSpec reward : rewards) {
      // Stands in the configuration by its path; what it says depends on weights.
      reward
          .modelPath()
          .ifPresent(
              path ->
                  fingerprint.text(
                      "reward model", ModelDirectory.open(storage, path).fingerprint()));
    }
    return FORMAT + fingerprint.text("data", dataFingerprint).hex();
  }

  /** The files that are read; tables and queries have none. */
  List<DataFiles.Found> files(Storage storage) {
    return data.data().stream()
        .flatMap(given -> DataFiles.of(storage, given, Purpose.TRAINING).stream())
        .toList();
  }

  /** Is the same where the same files have not changed, as far as names, sizes and times tell. */
  String dataFingerprint(Storage storage, List<DataFiles.Found> files) {
    Fingerprint fingerprint = Fingerprint.of("mine.data");
    data.data().forEach(given -> fingerprint.text("given", given));
    for (DataFiles.Found found : files) {
      for (Storage.Entry file : found.files()) {
        fingerprint
            .text("file", file.path())
            .number("bytes", file.length())
            .number("modified", storage.modified(file.path()).toEpochMilli());
      }
    }
    return fingerprint.hex();
  }
}
