package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenModel;
import io.plumbline.model.TrainedModel;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.gang.GangTask;
import io.plumbline.spark.gang.Placement;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import io.plumbline.text.TemplateSettings;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.LoopSettings;
import io.plumbline.train.NoColumns;
import io.plumbline.train.Rank;
import io.plumbline.train.TokenMethod;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What each rank of a training job does: load the model, run the loop, and on rank 0 write metrics,
 * samples and the result.
 *
 * @param globalBatchSize rows a step, over all ranks
 * @param device on what kind of device ranks compute
 * @param evaluated whether held-out shards were written
 * @param deadline how long a rank waits for its peers in one operation
 */
record TrainingTask(
    Storage storage,
    RunDirectory run,
    Start model,
    AlgorithmSettings objective,
    int globalBatchSize,
    ComputeDtype computeDtype,
    ClusterSettings.WeightDtype saveDtype,
    long seed,
    int threads,
    DeviceChoice device,
    boolean evaluated,
    LoopSettings loop,
    Duration deadline)
    implements GangTask {

  /** The model that is trained, and how conversations are rendered for it. */
  record Start(String path, TemplateSettings rendering) implements Serializable {}

  @Override
  public String run(GangMember member) {
    Torch.useThreads(threads);
    Device own = member.device(device);
    try (Device.Use use = own.use()) {
      LoopOutcome outcome = train(member);
      member.collective().barrier();
      return write(outcome, ranks(member.placements()), Machine.here(threads));
    }
  }

  private LoopOutcome train(GangMember member) {
    ModelDirectory start = ModelDirectory.open(storage, model.path()).with(model.rendering());
    if (objective instanceof AlgorithmSettings.Reward reward) {
      return reward(reward, start, member);
    }
    return objective instanceof RolloutSettings rollouts
        ? policy(start, member, (of, policy, all) -> onRollouts(rollouts, of, policy, all))
        : policy(start, member, this::onRows);
  }

  /** How a policy is trained. */
  private interface Training {
    LoopOutcome run(ModelDirectory start, CausalLm policy, GangMember member);
  }

  private LoopOutcome policy(ModelDirectory start, GangMember member, Training training) {
    try (CausalLm policy = CausalLm.load(start, Purpose.TRAINING, computeDtype)) {
      HeldOutSamples samples = new HeldOutSamples(storage, run, start, held());
      boolean first = member.rank() == 0;
      if (first && states().newest().isEmpty()) {
        samples.write(policy, "before");
      }
      LoopOutcome outcome = training.run(start, policy, member);
      if (first) {
        samples.write(policy, "after");
        Checkpoints.write(storage, run.checkpoint(), start, policy, saveDtype);
      }
      return outcome;
    }
  }

  private LoopOutcome onRows(ModelDirectory start, CausalLm policy, GangMember member) {
    TokenMethod method = Methods.onTokens(objective, computeDtype);
    return loop(new TokenModel(policy, method.statistics()), method, member);
  }

  private LoopOutcome onRollouts(
      RolloutSettings rollouts, ModelDirectory start, CausalLm policy, GangMember member) {
    RolloutRank rank =
        new RolloutRank(
            storage, run, rollouts, globalBatchSize, computeDtype, seed, loop, deadline);
    try (MetricsWriter metrics = MetricsWriter.open(storage, run, states(), member)) {
      return rank.train(
          new RolloutRank.Training(
              start,
              policy,
              CanonicalShards.open(storage, run.shards("train")),
              held(),
              states(),
              member,
              metrics));
    }
  }

  private LoopOutcome reward(
      AlgorithmSettings.Reward settings, ModelDirectory start, GangMember member) {
    try (ScoreModel scores = ScoreModel.load(start, Purpose.TRAINING, computeDtype, seed)) {
      HeldOutSamples samples = new HeldOutSamples(storage, run, start, held());
      boolean first = member.rank() == 0;
      if (first && states().newest().isEmpty()) {
        samples.write(scores, "before");
      }
      LoopOutcome outcome = loop(scores, Methods.onScores(settings), member);
      if (first) {
        samples.write(scores, "after");
        scores.write(storage, run.checkpoint(), start, Checkpoints.dtype(saveDtype));
      }
      return outcome;
    }
  }

  private <V, G> LoopOutcome loop(
      TrainedModel<V, G> trained, TrainingMethod<NoColumns, V, G> method, GangMember member) {
    try (MetricsWriter metrics = MetricsWriter.open(storage, run, states(), member)) {
      return TrainingLoop.onShards(
              trained,
              method,
              CanonicalShards.open(storage, run.shards("train")),
              held(),
              loop,
              states(),
              new Rank(member.collective(), deadline, metrics))
          .run();
    }
  }

  private TrainingStateStore states() {
    return TrainingStateStore.of(storage, run.states());
  }

  private Optional<CanonicalShards> held() {
    return evaluated
        ? Optional.of(CanonicalShards.open(storage, run.shards("eval")))
        : Optional.empty();
  }

  /** Where each rank ran, for run.json. */
  private ArrayNode ranks(List<Placement> placements) {
    ArrayNode ranks = Json.MAPPER.createArrayNode();
    for (int rank = 0; rank < placements.size(); rank++) {
      Placement placement = placements.get(rank);
      ObjectNode one = ranks.addObject().put("rank", rank).put("host", placement.host());
      one.put("device", placement.device(device).toString());
      if (!placement.gpus().isEmpty()) {
        one.put("gpu", String.join(",", placement.gpus()));
      }
    }
    return ranks;
  }

  private static String write(
      LoopOutcome outcome, ArrayNode ranks, Map<String, String> environment) {
    return Json.MAPPER
        .createObjectNode()
        .<ObjectNode>set("ranks", ranks)
        .put("first", outcome.firstStep())
        .put("last", outcome.lastStep())
        .put("best", outcome.best().orElse(-1))
        .put("ending", outcome.ending().name())
        .set("environment", Json.MAPPER.valueToTree(environment))
        .toString();
  }

  /** What of the machine of a rank may decide the last bits, as {@link #run} returned it. */
  static Map<String, String> environment(String written) {
    Map<String, String> environment = new TreeMap<>();
    read(written)
        .path("environment")
        .properties()
        .forEach(e -> environment.put(e.getKey(), e.getValue().asText()));
    return environment;
  }

  /** Where each rank ran, of what {@link #run} returned. */
  static JsonNode ranks(String written) {
    return read(written).get("ranks");
  }

  /** What {@link #run} returned. */
  static LoopOutcome outcome(String written) {
    JsonNode json = read(written);
    long best = json.get("best").asLong();
    return new LoopOutcome(
        json.get("first").asLong(),
        json.get("last").asLong(),
        best < 0 ? OptionalLong.empty() : OptionalLong.of(best),
        LoopOutcome.Ending.valueOf(json.get("ending").asText()));
  }

  private static JsonNode read(String written) {
    try {
      return Json.MAPPER.readTree(written);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a rank's outcome is JSON", e);
    }
  }
}
