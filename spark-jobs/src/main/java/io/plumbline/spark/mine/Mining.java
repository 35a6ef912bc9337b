package io.plumbline.spark.mine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.mine.Skip;
import io.plumbline.model.CausalLm;
import io.plumbline.model.SamplingSettings;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.RewardNotices;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.inference.InputRows;
import io.plumbline.spark.inference.JsonLines;
import io.plumbline.spark.inference.ModelTokenizer;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.SparkFailures;
import io.plumbline.spark.inference.StageModel;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.StageProgress;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.LongAccumulator;

/**
 * Makes data of a policy's own completions, behind the command {@code mine}: every prompt gets K
 * completions, every completion a reward, and a strategy says which become rows.
 *
 * <p>One stage without a gang, a task for each slice of prompts, whose number does not depend on
 * the cluster: more executors may come while it runs, and a task that is lost runs again anywhere
 * and gives the same rows. Tasks write the rows themselves.
 */
public final class Mining {
  static final String STAGE = "mine";

  /** Completions of a slice: as many as keep the slots of one generation busy for two rounds. */
  private static final int COMPLETIONS_PER_SLICE = 2 * SamplingSettings.SLOTS;

  private static final int MOST_TASKS = 4096;

  private Mining() {}

  /**
   * Mines, or finds that it was done before with the same request.
   *
   * @param start {@link Start#OVERWRITE} does it again where it is done
   * @param threads that PyTorch uses in a task
   * @return what mine.json says
   * @throws PlumblineException OUTPUT_IN_USE where the output holds something else, BAD_DATA where
   *     nothing comes of the prompts, REWARD_FAILED where too many rewards failed
   */
  public static ObjectNode run(
      SparkSession spark,
      Storage storage,
      MiningRequest request,
      String output,
      Start start,
      int threads,
      ProgressListener listener) {
    return run(spark, storage, request, output, start, threads, MOST_TASKS, listener);
  }

  static ObjectNode run(
      SparkSession spark,
      Storage storage,
      MiningRequest asked,
      String output,
      Start start,
      int threads,
      int mostTasks,
      ProgressListener listener) {
    MineDirectory directory = new MineDirectory(storage, output);
    Optional<ObjectNode> before =
        start == Start.OVERWRITE ? Optional.empty() : directory.complete();
    MiningRequest request = asked.dated(storage, before);
    ModelDirectory model = request.data().templates().open(storage, request.model());
    RunTemplates.unread(model).ifPresent(listener::note);
    int maxPositions = CausalLm.check(model).maxPositions();
    requireRoom(request, model, maxPositions);
    List<String> sources =
        SparkSources.check(
            spark,
            storage,
            request.data().data(),
            DataFiles.Purpose.TRAINING,
            request.data().columns().columns());
    if (!sources.isEmpty()) {
      throw new PlumblineException(ErrorCode.INPUT_NOT_FOUND, String.join(" ", sources));
    }
    // Mistakes in rewards show here, where they cost nothing yet.
    List<String> names;
    Policy policy;
    try (RewardPanel panel = RewardPanel.open(request.rewards(), storage);
        Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
      ModelTokenizer.check(model, tokenizer, listener::note);
      names = panel.names();
      RewardNotices.of(List.of(panel), tokenizer).forEach(listener::note);
      policy = new Policy(model, maxPositions, new TreeSet<>(Sampler.eosIds(model, tokenizer)));
    }
    List<DataFiles.Found> files = request.files(storage);
    files.forEach(found -> found.notes().forEach(listener::note));
    model.requireFinite();
    String data = request.dataFingerprint(storage, files);
    String fingerprint = request.fingerprint(storage, model, data);
    if (start != Start.OVERWRITE) {
      if (before.isPresent()) {
        requireSame(before.get(), request, fingerprint, output);
        listener.note("mine: " + output + " is complete, found as it was mined before");
        return before.get();
      }
      requireSameData(directory, data, output);
    }
    long began = System.nanoTime();
    ObjectNode summary = Json.MAPPER.createObjectNode();
    summary.set("configuration", request.configuration());
    summary.put("seed", request.decoding().seed());
    summary
        .putObject("fingerprints")
        .put("request", fingerprint)
        .put("data", data)
        .put("model", model.fingerprint());
    directory.begin(summary);
    MinedRows rows = new MinedRows(request.makesPairs());
    Tally tally =
        mine(
            spark, storage, request, rows, directory, policy, threads, mostTasks, summary,
            listener);
    MineSummary.write(summary, tally, rows, names);
    summary.put("seconds", Math.round((System.nanoTime() - began) / 1e6) / 1e3);
    directory.finish(summary);
    return summary;
  }

  /** What is known of the policy before its weights are read. */
  private record Policy(ModelDirectory directory, int maxPositions, TreeSet<Integer> eosIds) {}

  private static void requireRoom(MiningRequest request, ModelDirectory model, int maxPositions) {
    if (maxPositions > 0 && request.decoding().maxNewTokens() >= maxPositions) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--max-new-tokens is %d, and %s takes %d tokens in all, prompt included: take a smaller one."
              .formatted(request.decoding().maxNewTokens(), model.path(), maxPositions));
    }
  }

  /** What a run that was stopped has left makes room for another of the same data, and no other. */
  private static void requireSameData(MineDirectory directory, String data, String output) {
    JsonNode stopped =
        directory
            .unfinishedRequest()
            .<JsonNode>map(node -> node)
            .orElseGet(Json.MAPPER::createObjectNode);
    JsonNode before = stopped.path("fingerprints").path("data");
    if (before.isTextual() && !before.asText().equals(data)) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s holds a run of mine that was stopped, with other data (%s); give another --output, or replace it by --overwrite."
              .formatted(output, stopped.path("configuration").path("data")));
    }
  }

  private static void requireSame(
      ObjectNode before, MiningRequest request, String fingerprint, String output) {
    if (before.path("fingerprints").path("request").asText().equals(fingerprint)) {
      return;
    }
    List<String> other =
        before.path("configuration") instanceof ObjectNode then
            ? MiningRequest.deciding(then)
                .differences(MiningRequest.deciding(request.configuration()))
                .stream()
                .map(DecidingOptions.Difference::words)
                .toList()
            : List.of();
    String earlier = before.path("fingerprints").path("request").asText();
    if (other.isEmpty() && !earlier.startsWith(MiningRequest.FORMAT)) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s holds what an older version mined, whose format does not say from which files; give another --output, or mine again by --overwrite."
              .formatted(output));
    }
    throw new PlumblineException(
        ErrorCode.OUTPUT_IN_USE,
        "%s holds what was mined with another %s; give another --output, or replace it by --overwrite."
            .formatted(output, other.isEmpty() ? "model or other data" : String.join(", ", other)));
  }

  private static Tally mine(
      SparkSession spark,
      Storage storage,
      MiningRequest request,
      MinedRows rows,
      MineDirectory directory,
      Policy policy,
      int threads,
      int mostTasks,
      ObjectNode summary,
      ProgressListener listener) {
    JavaPairRDD<Map<String, Object>, Long> numbered =
        request.data().read(spark, storage).zipWithIndex();
    InputCheck check =
        SparkFailures.unwrapped(
            () ->
                numbered
                    .rdd()
                    .toJavaRDD()
                    .aggregate(InputCheck.NONE, InputCheck::plus, InputCheck::plus));
    check.require(request.badRows());
    RowsRead.line(numbered.keys(), check.rows(), RowsRead.Use.PROMPTS)
        .ifPresent(
            line -> {
              listener.note(line);
              summary.put("read", line);
            });
    StructType columns =
        request.data().schema(spark, storage).orElseGet(() -> inferred(spark, numbered));
    noteReplaced(columns, rows, listener);
    StructType schema = rows.schema(columns, side(check.chats() > 0));
    int rowsPerSlice = Math.max(1, COMPLETIONS_PER_SLICE / request.decoding().numGenerations());
    String run = UUID.randomUUID().toString();
    LongAccumulator progress = spark.sparkContext().longAccumulator("mined prompts");
    CollectionAccumulator<Tally> tallies = spark.sparkContext().collectionAccumulator("mined");
    MineTask task =
        new MineTask(
            run,
            StageModel.of(storage, policy.directory(), request.dtype()),
            policy.eosIds(),
            policy.maxPositions(),
            request.decoding(),
            request.limits(),
            new MineTask.Selecting(
                request.rewards().stream()
                    .map(
                        reward ->
                            reward.renderedAs(policy.directory().tokenizerFiles().rendering()))
                    .toList(),
                request.strategy(),
                request.cutOff(),
                rows),
            rowsPerSlice,
            threads,
            new MineTask.Counts(progress, tallies));
    listener.stageStarted(STAGE, check.rows(), "prompts");
    try {
      JavaRDD<String> lines =
          InputRows.sliced(numbered, check.rows(), rowsPerSlice, mostTasks).mapPartitions(task);
      StageProgress.during(
          listener,
          STAGE,
          // A task that ran twice counts twice.
          () -> Math.min(check.rows(), progress.value()),
          () ->
              SparkFailures.unwrapped(
                  () -> {
                    JsonLines.writeAsParquet(
                        spark.createDataset(lines.rdd(), Encoders.STRING()),
                        schema,
                        directory.data());
                    return directory.data();
                  }));
    } finally {
      SharedModels.closeIdle();
      SharedPanels.closeIdle(run);
    }
    Tally tally = sum(tallies.value(), request.rewards());
    requireSome(tally, request);
    listener.stageFinished(STAGE, line(tally, rows));
    return tally;
  }

  /** Rows that are no prompts must not decide what type prompts have. */
  private static StructType inferred(
      SparkSession spark, JavaPairRDD<Map<String, Object>, Long> numbered) {
    JavaRDD<String> json =
        numbered.filter(InputCheck::isPrompt).map(row -> MinedRows.json(row._1()));
    return SparkFailures.unwrapped(
        () -> spark.read().json(spark.createDataset(json.rdd(), Encoders.STRING())).schema());
  }

  private static void noteReplaced(StructType columns, MinedRows rows, ProgressListener listener) {
    List<String> replaced =
        Arrays.stream(columns.fieldNames()).filter(name -> !rows.keeps(name)).toList();
    if (!replaced.isEmpty()) {
      listener.note(
          "mine: the input's own " + String.join(", ", replaced) + " give way to those mined");
    }
  }

  private static DataType side(boolean chat) {
    return chat
        ? DataTypes.createArrayType(
            new StructType().add("role", DataTypes.StringType).add("content", DataTypes.StringType))
        : DataTypes.StringType;
  }

  /** Once for each partition, in their order: sums of floating-point numbers depend on it. */
  static Tally sum(List<Tally> all, List<RewardSpec> rewards) {
    TreeMap<Integer, Tally> byPartition = new TreeMap<>();
    all.forEach(tally -> byPartition.put(tally.partition, tally));
    Tally sum = new Tally(-1, rewards.size());
    byPartition.values().forEach(sum::add);
    return sum;
  }

  private static void requireSome(Tally tally, MiningRequest request) {
    InputCheck.requireFew(
        tally.skipped(Skip.BAD_PROMPT), tally.prompts, tally.firstRefusal, request.badRows());
    long failed = tally.leftOut(Tally.LeftOut.REWARD_FAILED);
    FailureLimit limit = new FailureLimit(request.failedRewards(), "--max-failed-rewards");
    if (limit.isOver(failed, failed, tally.completions)) {
      throw new PlumblineException(
          ErrorCode.REWARD_FAILED,
          "%,d of %,d completions have no reward, because a function failed (for example: %s); %s"
              .formatted(
                  failed,
                  tally.completions,
                  tally.firstFailure,
                  limit.remedy(failed, tally.completions)));
    }
    if (tally.rows == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "Nothing was mined: %s. Draw more completions by --num-generations or other ones by --temperature, or ask for less by --margin or --threshold."
              .formatted(skipped(tally)));
    }
  }

  /** One line for people: what there is, and what became of the other prompts. */
  private static String line(Tally tally, MinedRows rows) {
    String skipped = skipped(tally);
    return String.format(
        Locale.ROOT,
        "%,d %s from %,d of %,d prompts and %,d completions%s",
        tally.rows,
        rows.pairs() ? "pairs" : "rows",
        tally.promptsUsed,
        tally.prompts,
        tally.completions,
        skipped.isEmpty() ? "" : "; skipped: " + skipped);
  }

  private static String skipped(Tally tally) {
    List<String> reasons = new ArrayList<>();
    for (Skip why : Skip.values()) {
      long count = tally.skipped(why);
      if (count > 0) {
        reasons.add(
            String.format(
                Locale.ROOT,
                "%,d %s",
                count,
                switch (why) {
                  case BAD_PROMPT -> "no prompt that can be read";
                  case REWARD_FAILED -> "rewards failed";
                  case TOO_FEW_COMPLETIONS -> "too few different completions";
                  case EQUAL_REWARDS -> "all rewards equal";
                  case BELOW_MARGIN -> "rewards closer than --margin";
                  case BELOW_THRESHOLD -> "no reward reaches --threshold";
                }));
      }
    }
    return String.join(", ", reasons);
  }
}
