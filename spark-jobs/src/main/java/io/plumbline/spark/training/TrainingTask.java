package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.gang.GangTask;
import io.plumbline.spark.gang.Placement;
import io.plumbline.spark.run.HeldOutput;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.rank.RankSettings;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import io.plumbline.text.TemplateSettings;
import io.plumbline.train.LoopOutcome;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What each rank of a training job does: load the model, train as its algorithm does, and on rank 0
 * say what came of it.
 *
 * @param claim on the output, which rank 0 looks at before it shows a state
 * @param evaluated whether held-out shards were written
 * @param threads that PyTorch uses in a rank
 * @param device on what kind of device ranks compute
 */
record TrainingTask(
    Storage storage,
    RunDirectory run,
    HeldOutput claim,
    Start model,
    AlgorithmSettings objective,
    boolean evaluated,
    RankSettings settings,
    int threads,
    DeviceChoice device)
    implements GangTask {

  /** The model that is trained, and how conversations are rendered for it. */
  record Start(String path, TemplateSettings rendering) implements Serializable {}

  @Override
  public String run(GangMember member) {
    Torch.useThreads(threads);
    Device own = member.device(device);
    try (Device.Use use = own.use()) {
      ModelDirectory start = ModelDirectory.open(storage, model.path()).with(model.rendering());
      LoopOutcome outcome =
          objective.train(
              new RankTraining(storage, run, claim, start, evaluated, settings, member));
      member.collective().barrier();
      return write(outcome, ranks(member.placements()), Machine.here(threads));
    } catch (PlumblineException e) {
      // What an earlier attempt has read may be there again.
      throw member.attempt() > 0 && e.code() == ErrorCode.INPUT_NOT_FOUND
          ? new PlumblineException(ErrorCode.STORAGE_FAILED, e.getMessage(), e)
          : e;
    }
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
