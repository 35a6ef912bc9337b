package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Placement;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.data.CanonicalShards.ShardWriter;
import io.plumbline.data.PlacedRow;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.objective.SigmoidPreference;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** A training run of the small Llama in this JVM: real shards, real rings, a thread a rank. */
final class TestRun {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private final Storage storage = Storage.local();
  private final Path directory;
  private final Supplier<TrainingMethod> method;
  private final LoopSettings settings;

  /** Weights of rank 0 after the last {@link #train}, by name. */
  private final Map<String, float[]> weights = new TreeMap<>();

  private TestRun(Path directory, Supplier<TrainingMethod> method, LoopSettings settings) {
    this.directory = directory;
    this.method = method;
    this.settings = settings;
  }

  static TestRun dpo(Path directory, String trajectory, long steps, LoopSettings settings)
      throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    try (CausalLm reference = model(Purpose.INFERENCE)) {
      for (JsonNode row : tokenized(trajectory)) {
        TokenizedRow pair =
            TokenizedRow.of(
                rows.size(),
                ids(row.get("prompt_ids")),
                List.of(ids(row.get("chosen_ids")), ids(row.get("rejected_ids"))),
                List.of());
        rows.add(pair.withReferenceLogps(reference.logps(List.of(pair)).logps().get(0)));
      }
    }
    TestRun run =
        new TestRun(directory, () -> new Dpo(new SigmoidPreference(0.1), 0.1, 1e-4), settings);
    run.write(rows, steps);
    return run;
  }

  static TestRun sft(Path directory, String trajectory, long steps, LoopSettings settings)
      throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    for (JsonNode row : tokenized(trajectory)) {
      int[] ids = ids(row.get("input_ids"));
      int[] labels = ids(row.get("labels"));
      int prompt = 0;
      while (labels[prompt] == -100) {
        prompt++;
      }
      rows.add(
          TokenizedRow.of(
              rows.size(),
              Arrays.copyOf(ids, prompt),
              List.of(Arrays.copyOfRange(ids, prompt, ids.length)),
              List.of()));
    }
    TestRun run = new TestRun(directory, Sft::new, settings);
    run.write(rows, steps);
    return run;
  }

  TestRun with(LoopSettings other) {
    return new TestRun(directory, method, other);
  }

  private void write(List<TokenizedRow> rows, long steps) {
    Plan plan = Plan.forSteps(8, rows.size(), steps, 0);
    Placement placement = new Placement(plan, Order.INPUT);
    Map<Integer, TreeMap<Long, TokenizedRow>> byShard = new TreeMap<>();
    for (TokenizedRow row : rows) {
      placement.places(
          row.index(),
          place ->
              byShard
                  .computeIfAbsent(plan.shardOf((int) (place % 8)), s -> new TreeMap<>())
                  .put(place, row));
    }
    List<ShardFile> files = new ArrayList<>();
    String shards = directory.resolve("shards").toString();
    byShard.forEach(
        (shard, placed) -> {
          ShardWriter writer = CanonicalShards.shardWriter(storage, shards, plan, shard, "a");
          try (writer) {
            placed.forEach(
                (place, row) -> writer.write(new PlacedRow(place / 8, (int) (place % 8), row)));
          }
          files.add(writer.file());
        });
    CanonicalShards.commit(storage, shards, plan, Order.INPUT, "test", files);
  }

  /** Trains from the newest state of {@code states-<ranks>}; metrics of rank 0 by step. */
  List<Map<String, Double>> train(int ranks) {
    return train(ranks, "states-" + ranks, Long.MAX_VALUE);
  }

  /** The same with a name for the states, and stopping from outside before a step. */
  List<Map<String, Double>> train(int ranks, String states, long stopBefore) {
    List<Map<String, Double>> lines = Collections.synchronizedList(new ArrayList<>());
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (Collective collective : LocalRings.create(ranks, DEADLINE)) {
        futures.add(threads.submit(() -> rank(collective, states, stopBefore, lines)));
      }
      for (Future<?> future : futures) {
        future.get(5, TimeUnit.MINUTES);
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StoppedFromOutside) {
        return lines;
      }
      throw new AssertionError(e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
    return lines;
  }

  /** What ends a run in the middle. */
  static final class StoppedFromOutside extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private void rank(
      Collective collective, String states, long stopBefore, List<Map<String, Double>> lines) {
    Torch.useThreads(1);
    try (collective;
        CausalLm policy = model(Purpose.TRAINING)) {
      TrainingObserver observer =
          new TrainingObserver() {
            @Override
            public void checkInterrupted() {
              if (lines.size() >= stopBefore) {
                throw new StoppedFromOutside();
              }
            }

            @Override
            public void metrics(Map<String, Double> line) {
              lines.add(new LinkedHashMap<>(line));
            }
          };
      new TrainingLoop(
              policy,
              method.get(),
              collective,
              CanonicalShards.open(storage, directory.resolve("shards").toString()),
              Optional.empty(),
              settings,
              TrainingStateStore.of(storage, directory.resolve(states).toString()),
              observer,
              DEADLINE)
          .run();
      if (collective.rank() == 0) {
        weights.clear();
        for (Segment segment : policy.segments()) {
          FloatBuffer values = segment.values();
          for (Segment.Slice slice : segment.slices()) {
            float[] copy = new float[(int) slice.length()];
            values.get((int) slice.offset(), copy);
            weights.put(slice.name(), copy);
          }
        }
      }
    }
  }

  Map<String, float[]> weights() {
    return new TreeMap<>(weights);
  }

  void assertWeightsCloseTo(String golden, double tolerance) {
    SafetensorsFile file = SafetensorsFile.open(storage, Fixtures.golden(golden).toString());
    Map<String, float[]> expected = new TreeMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              FloatBuffer values = FloatBuffer.allocate((int) tensor.elements());
              file.read(name, values);
              expected.put(name, values.array());
            });
    assertWeightsCloseTo(expected, tolerance);
  }

  void assertWeightsCloseTo(Map<String, float[]> expected, double tolerance) {
    assertThat(weights.keySet()).isEqualTo(expected.keySet());
    weights.forEach(
        (name, values) -> {
          double worst = 0;
          for (int i = 0; i < values.length; i++) {
            worst = Math.max(worst, Math.abs(values[i] - expected.get(name)[i]));
          }
          assertThat(worst).as(name).isLessThanOrEqualTo(tolerance);
        });
  }

  private static CausalLm model(Purpose purpose) {
    return CausalLm.load(
        ModelDirectory.open(Storage.local(), Fixtures.golden("models/llama").toString()),
        purpose,
        ComputeDtype.F32);
  }

  private static List<JsonNode> tokenized(String trajectory) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(Fixtures.golden(trajectory + "/tokenized.jsonl"))) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }

  private static int[] ids(JsonNode array) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = array.get(i).asInt();
    }
    return ids;
  }
}
