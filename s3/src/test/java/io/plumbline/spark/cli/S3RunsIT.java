package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.base.Floats;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.s3a.impl.AWSClientConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs with every path on an object store, against a server process, also with faults between. */
class S3RunsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PART_BYTES = 5 << 20;
  private static final Duration DEADLINE = Duration.ofMinutes(3);

  @TempDir static Path directory;
  private static S3Server server;
  private static FaultyProxy proxy;
  private static final Map<String, String> SETTINGS = new LinkedHashMap<>();

  @BeforeAll
  static void start() throws Exception {
    server = S3Server.start(directory, "runs");
    proxy = FaultyProxy.before(server.port());
    SETTINGS.put("fs.s3a.endpoint", "http://127.0.0.1:" + proxy.port());
    SETTINGS.put("fs.s3a.endpoint.region", "us-east-1");
    SETTINGS.put("fs.s3a.access.key", S3Server.KEY);
    SETTINGS.put("fs.s3a.secret.key", S3Server.SECRET);
    SETTINGS.put("fs.s3a.multipart.size", Integer.toString(PART_BYTES));
    SETTINGS.put("fs.s3a.multipart.threshold", Integer.toString(PART_BYTES));
    SETTINGS.put("fs.s3a.buffer.dir", directory.resolve("buffer").toString());
    // Shorter than a user's, so that the tests are.
    AWSClientConfig.setMinimumOperationDuration(Duration.ofMillis(100));
    SETTINGS.put("fs.s3a.connection.timeout", "400ms");
    SETTINGS.put("fs.s3a.connection.request.timeout", "3s");
    SETTINGS.put("fs.s3a.connection.part.upload.timeout", "5s");
    SETTINGS.put("fs.s3a.retry.limit", "4");
    SETTINGS.put("fs.s3a.retry.interval", "20ms");
    SETTINGS.put("fs.s3a.retry.throttle.interval", "10ms");
    SETTINGS.put("fs.s3a.retry.throttle.limit", "6");
    SETTINGS.forEach((key, value) -> System.setProperty("spark.hadoop." + key, value));
    try (Stream<Path> files = Files.list(localModel())) {
      for (Path file : files.toList()) {
        store().writeBytes("s3a://runs/model/" + file.getFileName(), Files.readAllBytes(file));
      }
    }
    for (Path file : List.of(pairs(), prompts())) {
      store().writeBytes("s3a://runs/data/" + file.getFileName(), Files.readAllBytes(file));
    }
  }

  @AfterAll
  static void stop() throws IOException {
    SETTINGS.keySet().forEach(key -> System.clearProperty("spark.hadoop." + key));
    AWSClientConfig.resetMinimumOperationDuration();
    proxy.close();
    server.close();
  }

  @BeforeEach
  void calm() {
    proxy.calm();
    proxy.takeRequests();
  }

  private static Path localModel() {
    Path model = directory.resolve("model");
    if (!Files.exists(model)) {
      Call init =
          call(
              "init-model --output "
                  + model
                  + " --hidden-size 32 --layers 2 --heads 2 --kv-heads 1"
                  + " --intermediate-size 64 --max-positions 128");
      assertThat(init.status()).as(init.err()).isZero();
    }
    return model;
  }

  /** Rows of the samples, and one that is refused. */
  private static Path pairs() throws IOException {
    Path file = directory.resolve("pairs.jsonl");
    if (!Files.exists(file)) {
      List<String> lines =
          new ArrayList<>(
              Files.readAllLines(
                      Fixtures.root().resolve("data-samples/preferences/train.jsonl"),
                      StandardCharsets.UTF_8)
                  .subList(0, 32));
      lines.add(5, "{\"prompt\": \"no answers\"}");
      Files.write(file, lines);
    }
    return file;
  }

  private static Path prompts() throws IOException {
    Path file = directory.resolve("prompts.jsonl");
    if (!Files.exists(file)) {
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        lines.add(
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"%d + 1\"}], \"answer\": \"%d\"}"
                .formatted(i, i + 1));
      }
      Files.write(file, lines);
    }
    return file;
  }

  private static Call call(String line) {
    return Call.plumbline(line.split(" "));
  }

  private static String dpo(String root, String output) {
    return ("dpo --model %s/model --data %s/data/pairs.jsonl --output %s --ranks 2 --max-bad-rows 1"
            + " --reference-cache %s/cache --global-batch-size 8 --max-steps 6 --save-steps 2"
            + " --keep-checkpoints 2 --learning-rate 1e-3 --eval-split 4 --seed 3")
        .formatted(root, root, output, root);
  }

  private static String grpo(String root, String output) {
    return ("grpo --model %s/model --data %s/data/prompts.jsonl --output %s --ranks 2 --reward answer"
            + " --reward length{\"target\":4} --global-batch-size 4 --num-generations 4"
            + " --max-completion-length 6 --max-steps 3 --learning-rate 1e-3 --seed 3")
        .formatted(root, root, output);
  }

  private static String generate(String root, String output) {
    return "generate --model %s/model --data %s/data/prompts.jsonl --output %s --max-new-tokens 6 --seed 3"
        .formatted(root, root, output);
  }

  /** The same tree on the local disk, with the runs that those on the store are compared with. */
  private static Path local() throws IOException {
    Path root = directory.resolve("local");
    if (!Files.exists(root)) {
      Files.createDirectories(root.resolve("data"));
      Files.createSymbolicLink(root.resolve("model"), localModel());
      Files.copy(pairs(), root.resolve("data/pairs.jsonl"));
      Files.copy(prompts(), root.resolve("data/prompts.jsonl"));
      for (String line :
          List.of(
              dpo(root.toString(), root + "/dpo"),
              grpo(root.toString(), root + "/grpo"),
              generate(root.toString(), root + "/generated"))) {
        Call call = call(line);
        assertThat(call.status()).as(call.err()).isZero();
      }
    }
    return root;
  }

  /** Gives up sooner, where the store is to fail. */
  private static void impatiently(Runnable action) {
    Map<String, String> impatient =
        Map.of("fs.s3a.connection.timeout", "250ms", "fs.s3a.retry.limit", "1");
    Map<String, String> before = new LinkedHashMap<>(SETTINGS);
    SETTINGS.putAll(impatient);
    SETTINGS.forEach((key, value) -> System.setProperty("spark.hadoop." + key, value));
    try {
      action.run();
    } finally {
      SETTINGS.putAll(before);
      SETTINGS.forEach((key, value) -> System.setProperty("spark.hadoop." + key, value));
    }
  }

  private static Storage store() {
    Configuration configuration = new Configuration();
    SETTINGS.forEach(configuration::set);
    return Storage.of(configuration);
  }

  private static void isTheLocalRun(String output, String local) throws IOException {
    Storage store = store();
    String at = "s3a://runs/" + output;
    Path here = local().resolve(local);
    assertThat(store.readBytes(at + "/checkpoint/model.safetensors"))
        .isEqualTo(Files.readAllBytes(here.resolve("checkpoint/model.safetensors")));
    assertThat(metrics(store.readText(at + "/metrics.jsonl")))
        .isEqualTo(metrics(Files.readString(here.resolve("metrics.jsonl"))));
    JsonNode record = JSON.readTree(store.readText(at + "/run.json"));
    JsonNode expected = JSON.readTree(here.resolve("run.json").toFile());
    assertThat(record.path("status").asText()).isEqualTo("completed");
    assertThat(record.path("fingerprints")).isEqualTo(expected.path("fingerprints"));
    assertThat(store.readText(at + "/report.html")).contains("<html");
    assertThat(store.exists(at + "/" + OutputClaim.LOCK)).isFalse();
  }

  private static List<JsonNode> metrics(String lines) throws IOException {
    List<JsonNode> metrics = new ArrayList<>();
    for (String line : lines.strip().split("\n", -1)) {
      ObjectNode step = (ObjectNode) JSON.readTree(line);
      List.of("tokens_per_second", "step_time", "eval_runtime").forEach(step::remove);
      List<String> timings = new ArrayList<>();
      step.fieldNames()
          .forEachRemaining(
              name -> {
                if (name.contains("time") || name.contains("per_second")) {
                  timings.add(name);
                }
              });
      timings.forEach(step::remove);
      metrics.add(step);
    }
    return metrics;
  }

  @Test
  void everyPathOnTheStoreGivesTheSameBitsAsOnTheLocalDisk() throws IOException {
    Call dpo = call(dpo("s3a://runs", "s3a://runs/dpo"));
    assertThat(dpo.status()).as(dpo.err()).isZero();
    isTheLocalRun("dpo", "dpo");
    Storage store = store();
    assertThat(store.list("s3a://runs/cache")).isNotEmpty();
    List<Storage.Entry> quarantine = store.expand("s3a://runs/dpo/quarantine");
    assertThat(quarantine).hasSize(1);
    assertThat(store.readText(quarantine.get(0).path()))
        .contains("s3a://runs/data/pairs.jsonl", "\"line\":6");
    Call inspected = call("inspect s3a://runs/dpo");
    assertThat(inspected.status()).as(inspected.err()).isZero();

    Call grpo = call(grpo("s3a://runs", "s3a://runs/grpo"));
    assertThat(grpo.status()).as(grpo.err()).isZero();
    isTheLocalRun("grpo", "grpo");
    String here = local().resolve("grpo").toString();
    assertThat(call("inspect s3a://runs/grpo/ledger --json").out())
        .contains("\"rollouts\":48")
        .isEqualTo(
            call("inspect " + here + "/ledger --json").out().replace(here, "s3a://runs/grpo"));

    Call generated = call(generate("s3a://runs", "s3a://runs/generated"));
    assertThat(generated.status()).as(generated.err()).isZero();
    List<Storage.Entry> parts = store.expand("s3a://runs/generated/completions");
    List<Storage.Entry> expected =
        Storage.local().expand(local().resolve("generated/completions").toString());
    assertThat(parts).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < parts.size(); i++) {
      assertThat(store.readBytes(parts.get(i).path()))
          .isEqualTo(Storage.local().readBytes(expected.get(i).path()));
    }
    assertThat(store.exists("s3a://runs/generated/generate.json")).isTrue();

    // Nothing was renamed, which S3 imitates by copying.
    assertThat(proxy.takeRequests())
        .isNotEmpty()
        .noneMatch(request -> request.contains("_temporary"));
  }

  @Test
  void aRunWhoseProcessWasKilledGoesOn() throws Exception {
    Path settings = Files.createDirectories(directory.resolve("conf"));
    StringBuilder site = new StringBuilder("<configuration>");
    SETTINGS.forEach(
        (key, value) -> {
          if (!key.contains("timeout") && !key.contains("key")) {
            site.append(
                "<property><name>%s</name><value>%s</value></property>".formatted(key, value));
          }
        });
    Files.writeString(settings.resolve("core-site.xml"), site.append("</configuration>"));
    List<String> command = new ArrayList<>();
    command.add(Fixtures.root().resolve("plumbline").toString());
    command.addAll(List.of(dpo("s3a://runs", "s3a://runs/killed").split(" ")));
    Path log = directory.resolve("killed.log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("HADOOP_CONF_DIR", settings.toString());
    builder.environment().put("AWS_ACCESS_KEY_ID", S3Server.KEY);
    builder.environment().put("AWS_SECRET_ACCESS_KEY", S3Server.SECRET);
    Process process = builder.start();
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (server.object("runs", "killed/checkpoints/step-00000002/_COMPLETE").isEmpty()) {
      assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
      assertThat(System.nanoTime()).as("a checkpoint in time").isLessThan(end);
      Thread.sleep(5);
    }
    process.destroyForcibly();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(server.object("runs", "killed/checkpoint/config.json")).isEmpty();

    Call resumed = call(dpo("s3a://runs", "s3a://runs/killed") + " --resume");
    assertThat(resumed.status()).as(resumed.err()).isZero();
    isTheLocalRun("killed", "dpo");
  }

  @Test
  void faultsOnTheWayChangeNoBit() throws IOException {
    long seed = Long.getLong("plumbline.test.seed", System.nanoTime() & 0xffff);
    System.err.println("faults by -Dplumbline.test.seed=" + seed);
    local();
    proxy.disturb(seed, 0.04);
    String line = dpo("s3a://runs", "s3a://runs/faulty").replace("/cache", "/faulty-cache");
    Call run = call(line);
    // More faults in a row than are borne end in a sentence, and the run continues from there.
    for (int again = 0; run.status() != 0 && again < 3; again++) {
      isOneSentence(run);
      run = call(line + " --resume");
    }
    assertThat(run.status()).as("seed %d: %s", seed, run.err()).isZero();
    Map<FaultyProxy.Fault, Integer> faults = proxy.faults();
    proxy.calm();
    System.err.println("faults done: " + faults);
    assertThat(faults.values().stream().mapToInt(n -> n).sum()).isGreaterThan(10);
    isTheLocalRun("faulty", "dpo");
  }

  @Test
  void aStoreThatFallsSilentEndsTheRunInOneSentenceAndItCanBeResumed() throws Exception {
    local();
    String line = dpo("s3a://runs", "s3a://runs/silent");
    Thread watch =
        new Thread(
            () -> {
              long end = System.nanoTime() + DEADLINE.toNanos();
              while (System.nanoTime() < end
                  && server
                      .object("runs", "silent/checkpoints/step-00000002/_COMPLETE")
                      .isEmpty()) {
                LockSupport.parkNanos(5_000_000);
              }
              proxy.fallSilent();
            });
    watch.start();
    impatiently(
        () -> {
          Call ended = call(line);
          assertThat(ended.status()).as(ended.err()).isEqualTo(1);
          isOneSentence(ended);
          assertThat(ended.err()).contains("s3a://runs/");
        });
    watch.join();
    proxy.calm();
    Call resumed = call(line + " --resume");
    assertThat(resumed.status()).as(resumed.err()).isZero();
    isTheLocalRun("silent", "dpo");
  }

  private static void isOneSentence(Call call) {
    String last = call.err().strip();
    last = last.substring(last.lastIndexOf('\n') + 1);
    assertThat(last).startsWith("plumbline ").endsWith(".");
    assertThat(call.err()).doesNotContain("\tat ").doesNotContain(S3Server.SECRET);
  }

  @Test
  void ofRunsThatClaimOneOutputExactlyOneWins() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 8; round++) {
        String output = "s3a://runs/claims/" + round;
        CountDownLatch start = new CountDownLatch(1);
        List<Future<Boolean>> claims = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          claims.add(
              threads.submit(
                  () -> {
                    start.await();
                    try {
                      OutputClaim.take(store(), output, Start.FRESH);
                      return true;
                    } catch (PlumblineException e) {
                      assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE);
                      return false;
                    }
                  }));
        }
        start.countDown();
        int winners = 0;
        for (Future<Boolean> claim : claims) {
          winners += claim.get(30, TimeUnit.SECONDS) ? 1 : 0;
        }
        assertThat(winners).as("round %d", round).isEqualTo(1);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aCheckpointOfSeveralPartsIsSeenWithItsMarkerOnly() {
    Storage store = store();
    TrainingStateStore states = TrainingStateStore.of(store, "s3a://runs/states");
    float[] values = new float[4 << 20]; // 16 MB, four parts
    Random random = new Random(5);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    try (TrainingStateStore.Writer first = states.begin(4);
        TrainingStateStore.Writer second = states.begin(4)) {
      first.values("weights", Floats.of(FloatBuffer.wrap(values)));
      assertThat(proxy.takeRequests()).anyMatch(request -> request.contains("partNumber=4"));
      assertThat(states.newest()).isEmpty();
      second.values("weights", Floats.of(FloatBuffer.wrap(values)));
      assertThat(states.newest()).isEmpty();
      first.commit();
      String winner = states.newest().orElseThrow().path();
      // The state that is there is whole, so the later attempt gives way.
      second.commit();
      assertThat(states.newest().orElseThrow().path()).isEqualTo(winner);
    }
    FloatBuffer read = FloatBuffer.allocate(values.length);
    states.newest().orElseThrow().read("weights", Floats.of(read));
    assertThat(read.array()).isEqualTo(values);
  }

  @Test
  void anUploadThatFailedLeavesNothing() {
    String path = "s3a://runs/uploads/half";
    byte[] bytes = new byte[1 << 20];
    impatiently(
        () -> {
          Storage store = store();
          assertThatThrownBy(
                  () -> {
                    try (OutputStream output = store.create(path)) {
                      for (int i = 0; i < 30; i++) {
                        if (i == 12) {
                          proxy.fallSilent();
                        }
                        output.write(bytes);
                      }
                    }
                  })
              .isInstanceOf(PlumblineException.class)
              .hasMessageContaining(path);
        });
    Storage store = store();
    proxy.calm();
    assertThat(store.exists(path)).isFalse();
    assertThat(store.list("s3a://runs/uploads")).isEmpty();
  }

  @Test
  void directoriesAreReadInAFewRequests() throws IOException {
    Storage store = store();
    for (int i = 0; i < 60; i++) {
      store.writeText("s3a://runs/many/below/row-%02d.jsonl".formatted(i), "{}");
    }
    proxy.takeRequests();
    assertThat(store.expand("s3a://runs/many")).hasSize(60);
    assertThat(proxy.takeRequests().size()).isLessThan(8);
    assertThat(store.expand("s3a://runs/many/below/row-*.jsonl")).hasSize(60);
    assertThat(proxy.takeRequests().size()).isLessThan(12);
    store.readText("s3a://runs/many/below/row-00.jsonl");
    assertThat(proxy.takeRequests().size()).isLessThan(3);
    store.writeText("s3a://runs/many/below/new", "x");
    assertThat(proxy.takeRequests()).hasSize(1);
    store.delete("s3a://runs/many");
    assertThat(proxy.takeRequests().size()).isLessThan(8);
    assertThat(store.exists("s3a://runs/many/below")).isFalse();
  }

  @Test
  void aSecretIsNeverShown() throws IOException {
    String secret = "wrong/secret+of-a-user";
    Path config = directory.resolve("run.yaml");
    Files.writeString(config, "data: s3a://AKIDEXAMPLE:" + secret + "@runs/data/pairs.jsonl\n");
    List<Call> calls = new ArrayList<>();
    String given = "s3a://AKIDEXAMPLE:" + secret + "@runs";
    calls.add(call(dpo("s3a://runs", given + "/x")));
    calls.add(call(dpo("s3a://runs", "s3a://runs/y") + " --oops " + given + "/x"));
    calls.add(call("dpo --model m --output o --config " + config));
    for (Call call : calls) {
      assertThat(call.status()).isEqualTo(2);
      assertThat(call.err()).contains("A path holds a key").hasLineCount(1);
    }
    System.setProperty("spark.hadoop.fs.s3a.secret.key", secret);
    try {
      Call refused =
          call(dpo("s3a://runs", directory.resolve("refused").toString()) + " --verbose");
      assertThat(refused.status()).isNotZero();
      assertThat(refused.err()).contains("This user may not look up s3a://runs/");
      calls.add(refused);
    } finally {
      System.setProperty("spark.hadoop.fs.s3a.secret.key", S3Server.SECRET);
    }
    for (Call call : calls) {
      assertThat(call.out() + call.err()).doesNotContain(secret).doesNotContain("secret+of");
    }
    // Neither in anything that the other tests' runs have written.
    try (Stream<Path> files = Files.walk(server.files())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
            .as(file.toString())
            .doesNotContain(S3Server.SECRET)
            .doesNotContain(secret);
      }
    }
  }

  @Test
  void aBucketThatIsNotThereIsNamed() {
    Call call = call("inspect s3a://no-such-bucket/run");
    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("There is no bucket").contains("s3a://no-such-bucket/run");
  }

  @Test
  void withoutItsJarTheMendIsNamed() throws Exception {
    String classPath =
        Fixtures.root().resolve("spark-jobs/target/plumbline.jar")
            + ":"
            + Files.readString(Fixtures.root().resolve("spark-jobs/target/spark-classpath"))
                .strip();
    Path log = directory.resolve("bare.log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath,
                "io.plumbline.spark.cli.Plumbline",
                "inspect",
                "s3a://runs/model")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isEqualTo(2);
    assertThat(Files.readString(log))
        .contains("S3A is not on the class path")
        .contains("plumbline-s3.jar");
  }
}
