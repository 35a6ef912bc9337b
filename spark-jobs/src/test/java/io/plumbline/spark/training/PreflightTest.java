package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Records;
import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.ShardSize;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.ActivationMemory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.LoraSettings;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.Preflight.Problem;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {
  @TempDir Path directory;

  private final Storage storage = Storage.local();
  private Path model;
  private Path data;

  @BeforeEach
  void makeModelAndData() throws IOException {
    model = directory.resolve("model");
    InitModel.write(
        storage, model.toString(), Records.with(InitModel.Settings.defaults(), "hiddenSize", 24));
    data = directory.resolve("pairs.jsonl");
    Files.writeString(data, "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n");
  }

  private TrainingRequest request(String data, String output, Start start) {
    return request(model.toString(), data, output, start, Optional.empty(), 1, 8);
  }

  private static TrainingRequest request(
      String model,
      String data,
      String output,
      Start start,
      Optional<String> cache,
      int ranks,
      int globalBatchSize) {
    return new TrainingRequest(
        new FileSettings(
            model,
            List.of(data),
            List.of(),
            Optional.empty(),
            List.of(),
            Optional.empty(),
            output,
            cache),
        SettingsOf.type(DpoAlgorithm.Settings.class).standard(),
        new BatchSettings(
            1,
            OptionalLong.empty(),
            globalBatchSize,
            OptionalInt.empty(),
            4096,
            ActivationMemory.KEEP,
            1,
            Order.SHUFFLED),
        LoraSettings.NONE,
        SettingsOf.type(OptimizerSettings.class).standard(),
        SettingsOf.type(LengthSettings.class).standard(),
        RunTemplates.NONE,
        new SavingSettings(
            0,
            Selection.LAST,
            BadSteps.STOP,
            500,
            2,
            0,
            start == Start.RESUME,
            start == Start.OVERWRITE),
        new ClusterSettings(
            ranks,
            0,
            DeviceChoice.AUTO,
            ComputeDtype.F32,
            ClusterSettings.WeightDtype.F32,
            ShardSize.STANDARD,
            SettingsOf.type(RestartSettings.class).standard()),
        Optional.empty());
  }

  private List<Problem> problems(TrainingRequest request) {
    return Preflight.checkWithoutSpark(request, storage);
  }

  private String output() {
    return directory.resolve("out").toString();
  }

  private void hasOnly(TrainingRequest request, ErrorCode code, String... parts) {
    List<Problem> problems = problems(request);
    assertThat(problems).as("%s", problems).hasSize(1);
    assertThat(problems.get(0).code()).isEqualTo(code);
    assertThat(problems.get(0).sentence()).contains(parts);
  }

  private void setInConfig(String key, String value) throws IOException {
    Path config = model.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(
        config, text.replaceFirst("\"" + key + "\" *: *[^,\n]+", "\"" + key + "\": " + value));
  }

  /** An hour of preparation before a run that cannot load its model would be lost. */
  @Test
  void weightsThatDoNotFitAreFoundBeforeAnyWork() throws IOException {
    TrainingRequest request = request(data.toString(), output(), Start.FRESH);
    setInConfig("num_hidden_layers", "5");
    hasOnly(
        request, ErrorCode.BAD_CHECKPOINT, model.toString(), "lacks the tensor model.layers.4.");
    setInConfig("num_hidden_layers", "3");
    hasOnly(request, ErrorCode.BAD_CHECKPOINT, "holds the tensor model.layers.3.");
    setInConfig("num_hidden_layers", "4");
    setInConfig("intermediate_size", "64");
    hasOnly(request, ErrorCode.BAD_CHECKPOINT, "gate_proj.weight with shape [512, 24]", "[64, 24]");
    setInConfig("intermediate_size", "512");
    assertThat(problems(request)).isEmpty();
    Files.writeString(model.resolve("adapter_config.json"), "{}");
    hasOnly(request, ErrorCode.BAD_CHECKPOINT, "adapter_config.json", "plumbline merge");
  }

  /** The vocabulary and width of Qwen 2.5 7B, whose embedding is 2.03 GiB in f32. */
  @Test
  void aTensorOfOver2GiBIsNoProblem() throws IOException {
    setInConfig("vocab_size", "152064");
    setInConfig("hidden_size", "3584");
    setInConfig("num_attention_heads", "28");
    setInConfig("num_key_value_heads", "4");
    setInConfig("head_dim", "128");
    setInConfig("intermediate_size", "8");
    setInConfig("num_hidden_layers", "1");
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("embed_tokens", new int[] {152064, 3584});
    shapes.put("layers.0.input_layernorm", new int[] {3584});
    shapes.put("layers.0.self_attn.q_proj", new int[] {3584, 3584});
    shapes.put("layers.0.self_attn.k_proj", new int[] {512, 3584});
    shapes.put("layers.0.self_attn.v_proj", new int[] {512, 3584});
    shapes.put("layers.0.self_attn.o_proj", new int[] {3584, 3584});
    shapes.put("layers.0.post_attention_layernorm", new int[] {3584});
    shapes.put("layers.0.mlp.gate_proj", new int[] {8, 3584});
    shapes.put("layers.0.mlp.up_proj", new int[] {8, 3584});
    shapes.put("layers.0.mlp.down_proj", new int[] {3584, 8});
    shapes.put("norm", new int[] {3584});
    StringBuilder header = new StringBuilder();
    long at = 0;
    for (Map.Entry<String, int[]> entry : shapes.entrySet()) {
      long end = at + Arrays.stream(entry.getValue()).asLongStream().reduce(2, (a, b) -> a * b);
      header.append(
          String.format(
              "%s\"model.%s.weight\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              header.isEmpty() ? "{" : ",",
              entry.getKey(),
              Arrays.toString(entry.getValue()),
              at,
              end));
      at = end;
    }
    byte[] bytes = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer start = ByteBuffer.allocate(8 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    // The numbers are a hole in a sparse file: only the header is looked at.
    try (RandomAccessFile file =
        new RandomAccessFile(model.resolve("model.safetensors").toFile(), "rw")) {
      file.setLength(0);
      file.write(start.putLong(bytes.length).put(bytes).array());
      file.setLength(8 + bytes.length + at);
    }
    // Of the disk, which may have too little room for a state of it, nothing is said here.
    assertThat(problems(request(data.toString(), output(), Start.FRESH)))
        .filteredOn(problem -> problem.code() != ErrorCode.CLUSTER_UNFIT)
        .isEmpty();
  }

  @Test
  void aGoodRequestHasNoProblemAndLeavesNothingBehind() {
    assertThat(problems(request(data.toString(), output(), Start.FRESH))).isEmpty();
    assertThat(directory.resolve("out")).doesNotExist();
    assertThat(directory).isDirectoryNotContaining("glob:**probe*");
  }

  @Test
  void relativeOutputsNeedNoDirectoryAboveThem() {
    for (String output : List.of("no-such-run", "no-such-runs/one")) {
      assertThat(problems(request(data.toString(), output, Start.FRESH))).as(output).isEmpty();
      assertThat(Path.of(output)).doesNotExist();
    }
    assertThat(Path.of("")).isDirectoryNotContaining("glob:**probe*");
  }

  @Test
  void dataThatIsNotThereOrEmptyIsTold() throws IOException {
    hasOnly(
        request(directory.resolve("absent.jsonl").toString(), output(), Start.FRESH),
        ErrorCode.INPUT_NOT_FOUND,
        "absent.jsonl");
    hasOnly(
        request(directory + "/*.parquet", output(), Start.FRESH),
        ErrorCode.INPUT_NOT_FOUND,
        "*.parquet");
    Path empty = Files.createFile(directory.resolve("empty.jsonl"));
    hasOnly(
        request(empty.toString(), output(), Start.FRESH),
        ErrorCode.BAD_DATA,
        "every file is empty");
    Path bare = Files.createDirectory(directory.resolve("bare"));
    hasOnly(
        request(bare.toString(), output(), Start.FRESH),
        ErrorCode.INPUT_NOT_FOUND,
        "names no data file");
  }

  @Test
  void aModelWithoutTokenizerOrOfUnknownArchitectureIsTold() throws IOException {
    Files.delete(model.resolve("tokenizer.json"));
    Path config = model.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"llama\"", "\"perceptron\""));

    List<Problem> problems = problems(request(data.toString(), output(), Start.FRESH));

    assertThat(problems).extracting(Problem::code).containsOnly(ErrorCode.BAD_CHECKPOINT);
    assertThat(problems)
        .extracting(Problem::sentence)
        .anySatisfy(s -> assertThat(s).contains("no tokenizer.json", "copy it"))
        .anySatisfy(s -> assertThat(s).contains("perceptron", "not supported"))
        .hasSize(2);
  }

  @Test
  void aModelThatIsNotThereIsTold() {
    hasOnly(
        request(
            directory.resolve("nowhere").toString(),
            data.toString(),
            output(),
            Start.FRESH,
            Optional.empty(),
            1,
            8),
        ErrorCode.INPUT_NOT_FOUND,
        "nowhere");
  }

  @Test
  void moreRanksThanRowsOfAStepAreTold() {
    hasOnly(
        request(model.toString(), data.toString(), output(), Start.FRESH, Optional.empty(), 3, 2),
        ErrorCode.BAD_USAGE,
        "--ranks is 3 and --global-batch-size only 2");
  }

  @Test
  void anOutputThatHoldsARunIsToldUnlessResumedOrOverwritten() throws IOException {
    Path out = Files.createDirectories(directory.resolve("out"));
    Files.writeString(out.resolve("run.json"), "{}");
    // That alone is what a run leaves that failed before training.
    assertThat(problems(request(data.toString(), output(), Start.FRESH))).isEmpty();
    Files.writeString(out.resolve("metrics.jsonl"), "");

    hasOnly(
        request(data.toString(), output(), Start.FRESH),
        ErrorCode.OUTPUT_IN_USE,
        "holds another run",
        "--resume",
        "--overwrite");
    assertThat(problems(request(data.toString(), output(), Start.RESUME))).isEmpty();
    assertThat(problems(request(data.toString(), output(), Start.OVERWRITE))).isEmpty();
  }

  @Test
  void preparedRowsInTheOutputAreNoObstacleAndOtherFilesAre() throws IOException {
    Path out = Files.createDirectories(directory.resolve("out/prepared")).getParent();
    assertThat(problems(request(data.toString(), output(), Start.FRESH))).isEmpty();

    Files.writeString(out.resolve("thesis.txt"), "years of work");
    hasOnly(request(data.toString(), output(), Start.FRESH), ErrorCode.OUTPUT_IN_USE, "thesis.txt");
  }

  @Test
  void overwriteDeletesRunsAndNothingElse() throws IOException {
    Path out = Files.createDirectories(directory.resolve("out"));
    Files.writeString(out.resolve("thesis.txt"), "years of work");
    hasOnly(
        request(data.toString(), output(), Start.OVERWRITE),
        ErrorCode.OUTPUT_IN_USE,
        "thesis.txt",
        "does not delete it");

    Files.writeString(out.resolve("run.json"), "{}");
    OutputClaim.take(storage, output(), Start.OVERWRITE).close();
    assertThat(out).isEmptyDirectory();
  }

  @Test
  void oneRunAtATimeHoldsAnOutput() {
    try (OutputClaim unused = OutputClaim.take(storage, output(), Start.FRESH)) {
      hasOnly(
          request(data.toString(), output(), Start.RESUME),
          ErrorCode.OUTPUT_IN_USE,
          "process " + ProcessHandle.current().pid(),
          "its own --output");
      assertThatThrownBy(() -> OutputClaim.take(storage, output(), Start.OVERWRITE))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("has been writing to");
    }
    OutputClaim.take(storage, output(), Start.FRESH).close();
    assertThat(directory.resolve("out")).isEmptyDirectory();
  }

  @Test
  void theLockOfADeadProcessOfThisHostIsTakenOverAndAnotherHostsIsExplained() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    lock(InetAddress.getLocalHost().getHostName(), ended.pid());
    OutputClaim.take(storage, output(), Start.FRESH).close();

    lock("elsewhere.example", 1);
    hasOnly(
        request(data.toString(), output(), Start.FRESH),
        ErrorCode.OUTPUT_IN_USE,
        "elsewhere.example",
        "delete " + output() + "/" + OutputClaim.LOCK);
  }

  private void lock(String host, long pid) {
    storage.writeText(
        output() + "/" + OutputClaim.LOCK,
        "{\"token\": \"t\", \"host\": \"%s\", \"pid\": %d, \"since\": \"%s\"}"
            .formatted(host, pid, Instant.now()));
  }

  @Test
  void directoriesThatCannotBeWrittenAreTold() {
    hasOnly(
        request(
            model.toString(),
            data.toString(),
            output(),
            Start.FRESH,
            Optional.of(data + "/cache"),
            1,
            8),
        ErrorCode.INPUT_NOT_FOUND,
        "--reference-cache",
        "is a file");
    // Not even root writes here.
    hasOnly(
        request(
            model.toString(),
            data.toString(),
            output(),
            Start.FRESH,
            Optional.of("/proc/plumbline-cache"),
            1,
            8),
        ErrorCode.INPUT_NOT_FOUND,
        "--reference-cache",
        "cannot be written");
  }

  @Test
  void aDiskWithoutRoomIsTold() throws IOException {
    // A sparse file claims the weights of a model that no disk here could hold the states of.
    long free = Files.getFileStore(directory).getUsableSpace();
    long elements = free / 16;
    String header =
        "{\"w\": {\"dtype\": \"F32\", \"shape\": [%d], \"data_offsets\": [0, %d]}}"
            .formatted(elements, elements * 4);
    while (header.length() % 8 != 0) {
      header += " ";
    }
    try (var file =
        new java.io.RandomAccessFile(model.resolve("model.safetensors").toFile(), "rw")) {
      file.setLength(0);
      file.writeLong(Long.reverseBytes(header.length()));
      file.writeBytes(header);
      file.setLength(8 + header.length() + elements * 4);
    }

    // That the file lacks the model's tensors is told as well.
    assertThat(problems(request(data.toString(), output(), Start.FRESH)))
        .hasSize(2)
        .anySatisfy(
            problem -> {
              assertThat(problem.code()).isEqualTo(ErrorCode.CLUSTER_UNFIT);
              assertThat(problem.sentence())
                  .contains("free", "2 training states", "--keep-checkpoints");
            });
  }

  @Test
  void theClusterIsAskedAndAllProblemsComeInOneMessage() throws IOException {
    try (SparkSession spark = LocalSpark.session()) {
      TrainingRequest good =
          request(model.toString(), data.toString(), output(), Start.FRESH, Optional.empty(), 2, 8);
      assertThat(Preflight.check(spark, good, storage, new StopRequest(), note -> {})).isEmpty();
      Preflight.require(spark, good, storage, new StopRequest(), note -> {});

      TrainingRequest bad =
          request(
              model.toString(),
              directory + "/absent.jsonl",
              output(),
              Start.FRESH,
              Optional.empty(),
              3,
              8);
      assertThatThrownBy(
              () -> Preflight.require(spark, bad, storage, new StopRequest(), note -> {}))
          .isInstanceOf(PlumblineException.class)
          .hasMessageStartingWith("2 problems\n  - ")
          .hasMessageContaining("absent.jsonl")
          .extracting(e -> ((PlumblineException) e).code())
          .isEqualTo(ErrorCode.CLUSTER_UNFIT);
    }
  }
}
