package io.plumbline.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.collective.LocalRings;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.ShardFixture;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.optim.Optimizers;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.train.Gang;
import io.plumbline.train.Plain;
import io.plumbline.train.Rank;
import io.plumbline.train.Sft;
import io.plumbline.train.TrainingLoop;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/**
 * One step of supervised fine-tuning of a model with tensors of over 2 GiB: loads it, trains,
 * writes a training state, resumes from it, writes a checkpoint. Run it by {@code
 * bench/large-model/run}, which compares with transformers.
 *
 * <p>Arguments: the model's directory, and an empty one for what is written.
 */
public final class LargeModel {
  private static final int PROMPT = 9;
  private static final int COMPLETION = 23;
  private static final int THREADS = 2;

  private LargeModel() {}

  public static void main(String[] arguments) throws IOException {
    Storage storage = Storage.local();
    Path output = Path.of(arguments[1]);
    Torch.useThreads(THREADS);
    ModelDirectory start = ModelDirectory.open(storage, arguments[0]);
    Map<String, Object> seen = new LinkedHashMap<>();
    report("before the model");
    try (CausalLm model = CausalLm.load(start, Purpose.TRAINING, ComputeDtype.F32)) {
      report("loaded");
      TokenizedRow row = row(model.config().vocabSize());
      seen.put("prompt", row.prompt());
      seen.put("completion", row.completions().get(0));
      Plan plan = Plan.forSteps(1, 1, 1, 0);
      ShardFixture.write(
          storage, output.resolve("shards").toString(), plan, Order.INPUT, List.of(row));
      List<Map<String, Double>> lines = new ArrayList<>();
      train(model, storage, output, lines);
      report("trained, with a state written");
      seen.put("loss", lines.get(0).get("loss"));
      seen.put("grad_norm", lines.get(0).get("grad_norm"));
      float[][] logits = model.logits(sequence(row));

      spoil(model);
      train(model, storage, output, lines);
      report("resumed");
      requireSame(logits, model.logits(sequence(row)));

      model.write(storage, output.resolve("checkpoint").toString(), start, WeightFormat.F32);
      report("written");
      write(logits, output.resolve("seen.json.logits"));
    }
    new ObjectMapper().writeValue(output.resolve("seen.json").toFile(), seen);
  }

  private static TokenizedRow row(int vocabulary) {
    Random random = new Random(5);
    int[] completion = Models.tokens(random, COMPLETION, vocabulary);
    // Rows of the embedding behind 2 GiB.
    completion[3] = vocabulary - 1;
    completion[8] = vocabulary - 2;
    return Models.row(Models.tokens(random, PROMPT, vocabulary), completion);
  }

  private static int[] sequence(TokenizedRow row) {
    int[] all = new int[PROMPT + COMPLETION];
    System.arraycopy(row.prompt(), 0, all, 0, PROMPT);
    System.arraycopy(row.completions().get(0), 0, all, PROMPT, COMPLETION);
    return all;
  }

  private static void train(
      CausalLm model, Storage storage, Path output, List<Map<String, Double>> lines) {
    Sft sft = new Sft();
    TrainingLoop.onShards(
            new TokenModel(model, sft.statistics()),
            sft,
            CanonicalShards.open(storage, output.resolve("shards").toString()),
            Optional.empty(),
            Plain.loop(Optimizers.constant(1e-3), OptionalInt.of(1), 8192, 0),
            TrainingStateStore.of(storage, output.resolve("states").toString()),
            new Rank(LocalRings.create(1).get(0), Gang.DEADLINE, Gang.observer(lines)))
        .run();
  }

  /** What is resumed must come from the state. */
  private static void spoil(CausalLm model) {
    model.segments().forEach(segment -> segment.values().put(segment.length() - 1, 1000f));
  }

  private static void requireSame(float[][] expected, float[][] found) {
    for (int i = 0; i < expected.length; i++) {
      for (int v = 0; v < expected[i].length; v++) {
        if (expected[i][v] != found[i][v]) {
          throw new AssertionError("after the resume, logit " + v + " of token " + i + " differs");
        }
      }
    }
  }

  private static void write(float[][] logits, Path file) throws IOException {
    try (OutputStream out = new DataOutputStream(Files.newOutputStream(file))) {
      for (float[] row : logits) {
        ByteBuffer bytes =
            ByteBuffer.allocate(row.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(row);
        out.write(bytes.array());
      }
    }
  }

  /** The process's resident memory now and at most, as Linux counts it. */
  private static void report(String when) throws IOException {
    StringBuilder line = new StringBuilder(String.format("%-32s", when));
    for (String field : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (field.startsWith("VmRSS") || field.startsWith("VmHWM") || field.startsWith("RssFile")) {
        line.append(field.replaceAll("\\s+", " ")).append("  ");
      }
    }
    System.out.println(line);
  }
}
