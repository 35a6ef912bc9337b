package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.base.Floats;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.ShardFixture;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenModel;
import io.plumbline.model.TrainedModel;
import io.plumbline.objective.Objectives;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A training run of the small Llama in this JVM: real shards, real rings, a thread a rank. */
final class TestRun {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  /** A model with its method, on a rank. */
  private interface Learner extends AutoCloseable {
    LoopOutcome learn(TestRun run, Collective collective, String states, TrainingObserver observer);

    List<Segment> segments();

    @Override
    void close();
  }

  private final Storage storage = Storage.local();
  private final Path directory;
  private final Supplier<Learner> learner;
  private final LoopSettings settings;

  /** Weights of rank 0 after the last {@link #train}, by name. */
  private final Map<String, float[]> weights = new TreeMap<>();

  /** How the last {@link #train} ended on rank 0. */
  private LoopOutcome outcome;

  private long failAt = Long.MAX_VALUE;
  private PlumblineException failWith;
  private long askToStopAt = Long.MAX_VALUE;

  private final List<String> notes = Collections.synchronizedList(new ArrayList<>());

  private TestRun(Path directory, Supplier<Learner> learner, LoopSettings settings) {
    this.directory = directory;
    this.learner = learner;
    this.settings = settings;
  }

  static TestRun of(
      Path directory,
      Supplier<TokenMethod> method,
      List<TokenizedRow> rows,
      long steps,
      LoopSettings settings) {
    return of(directory, llama(), method, rows, steps, settings);
  }

  static TestRun of(
      Path directory,
      Path model,
      Supplier<TokenMethod> method,
      List<TokenizedRow> rows,
      long steps,
      LoopSettings settings) {
    TestRun run = new TestRun(directory, () -> onTokens(model, method.get()), settings);
    run.write("shards", rows, steps);
    return run;
  }

  private static Learner onTokens(Path model, TokenMethod method) {
    return onTokens(model(model, Purpose.TRAINING), method);
  }

  /** The same run with a model whose embedding of a token is spoilt. */
  TestRun spoilt(TokenMethod method, int token, float value) {
    return new TestRun(
        directory,
        () -> {
          CausalLm policy = model(llama(), Purpose.TRAINING);
          int width = policy.config().hiddenSize();
          Floats embedding = policy.segments().get(0).values();
          for (int i = 0; i < width; i++) {
            embedding.put(token * width + i, value);
          }
          return onTokens(policy, method);
        },
        settings);
  }

  /** The same run with a number of one rank's weights changed, in a segment. */
  TestRun withAnotherRank(TokenMethod method, int segment) {
    AtomicInteger models = new AtomicInteger();
    return new TestRun(
        directory,
        () -> {
          CausalLm policy = model(llama(), Purpose.TRAINING);
          if (models.getAndIncrement() == 0) {
            Floats values = policy.segments().get(segment).values();
            values.put(7, Math.nextUp(values.get(7)));
          }
          return onTokens(policy, method);
        },
        settings);
  }

  /** DPO of an adapter on the small Llama, from where TRL's run began. */
  static TestRun dpoOfAdapter(Path directory, String trajectory, long steps, LoopSettings settings)
      throws IOException {
    TestRun run =
        new TestRun(
            directory,
            () -> {
              CausalLm base = model(llama(), Purpose.INFERENCE);
              String start = Fixtures.golden(trajectory).resolve("init_adapter").toString();
              Adapter adapter = Adapter.open(Storage.local(), start);
              return onTokens(
                  CausalLm.adapted(base, adapter, Purpose.TRAINING),
                  new Dpo(Plain.dpo(Objectives.dpo(0.1), 0.1, 1e-4)),
                  Optional.of(base));
            },
            settings);
    run.write("shards", withReference(pairs(trajectory)), steps);
    return run;
  }

  private static Learner onTokens(CausalLm policy, TokenMethod method) {
    return onTokens(policy, method, Optional.empty());
  }

  private static Learner onTokens(CausalLm policy, TokenMethod method, Optional<CausalLm> below) {
    return new Learner() {
      @Override
      public LoopOutcome learn(
          TestRun run, Collective collective, String states, TrainingObserver observer) {
        return run.loop(
            new TokenModel(policy, method.statistics()), method, collective, states, observer);
      }

      @Override
      public List<Segment> segments() {
        return policy.segments();
      }

      @Override
      public void close() {
        policy.close();
        below.ifPresent(CausalLm::close);
      }
    };
  }

  static TestRun dpo(Path directory, String trajectory, long steps, LoopSettings settings)
      throws IOException {
    return of(
        directory,
        () -> new Dpo(Plain.dpo(Objectives.dpo(0.1), 0.1, 1e-4)),
        withReference(pairs(trajectory)),
        steps,
        settings);
  }

  static TestRun sft(Path directory, String trajectory, long steps, LoopSettings settings)
      throws IOException {
    return of(directory, Sft::new, supervised(trajectory), steps, settings);
  }

  /** Rows of TRL's SFT trainer. */
  static List<TokenizedRow> supervised(String trajectory) throws IOException {
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
    return rows;
  }

  /** Learns scores with the head that TRL's run began with. */
  static TestRun reward(
      Path directory, String trajectory, double centering, long steps, LoopSettings settings)
      throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    for (JsonNode row : tokenized(trajectory)) {
      int[] chosen = ids(row.get("chosen_ids"));
      int[] rejected = ids(row.get("rejected_ids"));
      int prompt = Arrays.mismatch(chosen, rejected);
      rows.add(
          TokenizedRow.of(
              rows.size(),
              Arrays.copyOf(chosen, prompt),
              List.of(
                  Arrays.copyOfRange(chosen, prompt, chosen.length),
                  Arrays.copyOfRange(rejected, prompt, rejected.length)),
              List.of()));
    }
    SafetensorsFile file =
        SafetensorsFile.open(
            Storage.local(), Fixtures.golden("traj/reward/init_score_head.safetensors").toString());
    FloatBuffer head = FloatBuffer.allocate(64);
    file.read("score.weight", head);
    TestRun run =
        new TestRun(directory, () -> onScores(head.array(), new BradleyTerry(centering)), settings);
    run.write("shards", rows, steps);
    return run;
  }

  private static Learner onScores(float[] head, BradleyTerry objective) {
    ScoreModel model =
        ScoreModel.load(
            ModelDirectory.open(Storage.local(), llama().toString()),
            Purpose.TRAINING,
            ComputeDtype.F32,
            head);
    return new Learner() {
      @Override
      public LoopOutcome learn(
          TestRun run, Collective collective, String states, TrainingObserver observer) {
        return run.loop(model, new RewardModeling(objective), collective, states, observer);
      }

      @Override
      public List<Segment> segments() {
        return model.segments();
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }

  /** Rows of TRL's DPO trainer. */
  static List<TokenizedRow> pairs(String trajectory) throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    for (JsonNode row : tokenized(trajectory)) {
      rows.add(
          TokenizedRow.of(
              rows.size(),
              ids(row.get("prompt_ids")),
              List.of(ids(row.get("chosen_ids")), ids(row.get("rejected_ids"))),
              List.of()));
    }
    return rows;
  }

  /** Rows of TRL's ORPO and CPO trainers, whose prompt ends where both sides' labels begin. */
  static List<TokenizedRow> labelledPairs(String trajectory) throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    for (JsonNode row : tokenized(trajectory)) {
      int[] chosen = ids(row.get("chosen_input_ids"));
      int[] rejected = ids(row.get("rejected_input_ids"));
      int prompt = firstLabel(ids(row.get("chosen_labels")));
      assertThat(firstLabel(ids(row.get("rejected_labels")))).isEqualTo(prompt);
      assertThat(Arrays.copyOf(rejected, prompt)).containsExactly(Arrays.copyOf(chosen, prompt));
      rows.add(
          TokenizedRow.of(
              rows.size(),
              Arrays.copyOf(chosen, prompt),
              List.of(
                  Arrays.copyOfRange(chosen, prompt, chosen.length),
                  Arrays.copyOfRange(rejected, prompt, rejected.length)),
              List.of()));
    }
    return rows;
  }

  private static int firstLabel(int[] labels) {
    int first = 0;
    while (labels[first] == -100) {
      first++;
    }
    return first;
  }

  /** Rows of TRL's KTO trainer. */
  static List<TokenizedRow> labelled(String trajectory) throws IOException {
    List<TokenizedRow> rows = new ArrayList<>();
    for (JsonNode row : tokenized(trajectory)) {
      List<int[]> completions = new ArrayList<>();
      completions.add(ids(row.get("completion_ids")));
      if (row.has("KL_completion_ids")) {
        completions.add(ids(row.get("KL_completion_ids")));
      }
      rows.add(
          Records.with(
              TokenizedRow.of(rows.size(), ids(row.get("prompt_ids")), completions, List.of()),
              "desirability",
              row.get("label").asBoolean() ? Desirability.DESIRABLE : Desirability.UNDESIRABLE));
    }
    return rows;
  }

  /** The rows with the small Llama's log-probabilities. */
  static List<TokenizedRow> withReference(List<TokenizedRow> rows) {
    try (CausalLm reference = model(llama(), Purpose.INFERENCE)) {
      return rows.stream()
          .map(row -> row.withReferenceLogps(reference.logps(List.of(row)).logps().get(0)))
          .toList();
    }
  }

  /** Also evaluates on these rows. */
  TestRun evaluatedOn(List<TokenizedRow> rows) {
    write("held", rows, (rows.size() + 7) / 8);
    return this;
  }

  /** The same with models on another device. */
  TestRun on(Device device) {
    return new TestRun(
        directory,
        () -> {
          try (Device.Use use = device.use()) {
            return learner.get();
          }
        },
        settings);
  }

  TestRun with(LoopSettings other) {
    return new TestRun(directory, learner, other);
  }

  private void write(String name, List<TokenizedRow> rows, long steps) {
    ShardFixture.write(
        storage,
        directory.resolve(name).toString(),
        Plan.forSteps(8, rows.size(), steps, 0),
        Order.INPUT,
        rows);
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
      if (e.getCause() instanceof PlumblineException failure) {
        throw failure;
      }
      throw new AssertionError(e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
    return lines;
  }

  /** Has the next run asked, by its last rank alone, to stop once so many lines were reported. */
  TestRun askedToStopAfter(long lines) {
    askToStopAt = lines;
    return this;
  }

  /** Has every rank of the next run fail once so many lines were reported. */
  TestRun failingAfter(long lines, PlumblineException failure) {
    failAt = lines;
    failWith = failure;
    return this;
  }

  /** What ends a run in the middle. */
  static final class StoppedFromOutside extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private void rank(
      Collective collective, String states, long stopBefore, List<Map<String, Double>> lines) {
    Torch.useThreads(1);
    try (collective;
        Learner learning = learner.get()) {
      TrainingObserver observer =
          new TrainingObserver() {
            @Override
            public void checkInterrupted() {
              if (lines.size() >= failAt) {
                throw failWith;
              }
              if (lines.size() >= stopBefore) {
                throw new StoppedFromOutside();
              }
            }

            @Override
            public boolean isAskedToStop() {
              return collective.rank() == collective.worldSize() - 1 && lines.size() >= askToStopAt;
            }

            @Override
            public void metrics(Map<String, Double> line) {
              lines.add(new LinkedHashMap<>(line));
            }

            @Override
            public void note(String sentence) {
              notes.add(sentence);
            }
          };
      LoopOutcome ended = learning.learn(this, collective, states, observer);
      if (collective.rank() == 0) {
        outcome = ended;
        weights.clear();
        for (Segment segment : learning.segments()) {
          Floats values = segment.values();
          for (Segment.Slice slice : segment.slices()) {
            float[] copy = new float[(int) slice.length()];
            values.get(slice.offset(), copy);
            weights.put(slice.name(), copy);
          }
        }
      }
    }
  }

  private <V, G> LoopOutcome loop(
      TrainedModel<V, G> model,
      TrainingMethod<NoColumns, V, G> method,
      Collective collective,
      String states,
      TrainingObserver observer) {
    Path held = directory.resolve("held");
    return TrainingLoop.onShards(
            model,
            method,
            CanonicalShards.open(storage, directory.resolve("shards").toString()),
            Files.exists(held)
                ? Optional.of(CanonicalShards.open(storage, held.toString()))
                : Optional.empty(),
            settings,
            TrainingStateStore.of(storage, directory.resolve(states).toString()),
            new Rank(collective, DEADLINE, observer))
        .run();
  }

  LoopOutcome outcome() {
    return outcome;
  }

  List<String> notes() {
    return List.copyOf(notes);
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

  static Path llama() {
    return Fixtures.golden("models/llama");
  }

  private static CausalLm model(Path path, Purpose purpose) {
    return CausalLm.load(
        ModelDirectory.open(Storage.local(), path.toString()), purpose, ComputeDtype.F32);
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
