package io.plumbline.spark.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.ObjectStoreFileSystem;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PublishingTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  private final Storage storage = Storage.local();

  private String model(String name) throws IOException {
    Path model = Files.createDirectories(directory.resolve(name));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    return model.toString();
  }

  /** An evaluation in a directory of its own, as evaluate writes it. */
  private String evaluation(String name, Map<String, Double> accuracies) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    accuracies.forEach(
        (model, accuracy) ->
            json.withArray("policies")
                .addObject()
                .put("name", model)
                .put("model", model)
                .putObject("preferences")
                .put("accuracy", accuracy)
                .put("margin", -accuracy)
                .put("pairs", 300));
    Path file = Files.createDirectories(directory.resolve(name)).resolve("evaluation.json");
    Files.writeString(file, json.toString());
    return file.toString();
  }

  private String to() {
    return directory.resolve("models/published.json").toString();
  }

  private Publishing publishing(String candidate, String evaluation, double minimum) {
    return new Publishing(
        candidate,
        evaluation,
        to(),
        Path.of(evaluation).resolveSibling("decision.json").toString(),
        ComparedMetric.ACCURACY,
        minimum);
  }

  private JsonNode pointer() throws IOException {
    return JSON.readTree(Path.of(to()).toFile());
  }

  /** Every file below the test's directory with its bytes and its time. */
  private Map<String, String> everything() throws IOException {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        FileTime time = Files.getLastModifiedTime(file);
        found.put(
            directory.relativize(file).toString(),
            time + " " + java.util.Arrays.hashCode(Files.readAllBytes(file)));
      }
    }
    return found;
  }

  @Test
  void theFirstModelIsPublishedAndAgainChangesNothing() throws Exception {
    String first = model("first");
    Publishing publishing = publishing(first, evaluation("one", Map.of(first, 0.5)), 0.1);

    Decision decision = publishing.run(storage);

    assertThat(decision.published()).isTrue();
    assertThat(decision.version()).isEqualTo(1);
    assertThat(decision.reason()).isEqualTo("The first version.");
    assertThat(pointer().path("model").asText()).isEqualTo(first);
    assertThat(pointer().path("fingerprint").asText()).hasSize(64);
    assertThat(pointer().at("/preferences/accuracy").asDouble()).isEqualTo(0.5);
    Map<String, String> before = everything();
    assertThat(before).containsKeys("models/published/00000001.json", "one/decision.json");

    assertThat(publishing.run(storage)).isEqualTo(decision);
    assertThat(everything()).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({
    "0.56, 0.57, 0.01, true",
    "0.56, 0.57, 0.011, false",
    "0.56, 0.56, 0, false",
    "0.56, 0.560001, 0, true",
    "0.56, 0.5, 0, false",
  })
  void onlyABetterModelIsPublished(double last, double candidate, double minimum, boolean better)
      throws Exception {
    String one = model("one");
    String two = model("two");
    publishing(one, evaluation("first", Map.of(one, 0.99)), 0).run(storage);

    Decision decision =
        publishing(two, evaluation("second", Map.of(one, last, two, candidate)), minimum)
            .run(storage);

    assertThat(decision.published()).isEqualTo(better);
    assertThat(decision.reason())
        .startsWith((better ? "Better" : "Not better") + " than version 1: accuracy ");
    assertThat(pointer().path("model").asText()).isEqualTo(better ? two : one);
    assertThat(pointer().path("version").asLong()).isEqualTo(better ? 2 : 1);
    assertThat(decision.model()).isEqualTo(better ? two : one);
  }

  @Test
  void anEvaluationWithoutTheLastModelIsRefused() throws Exception {
    String one = model("one");
    String two = model("two");
    String three = model("three");
    publishing(one, evaluation("first", Map.of(one, 0.5)), 0).run(storage);
    publishing(two, evaluation("second", Map.of(one, 0.5, two, 0.6)), 0).run(storage);

    assertThatThrownBy(
            () ->
                publishing(three, evaluation("third", Map.of(one, 0.5, three, 0.9)), 0)
                    .run(storage))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("does not compare with " + two)
        .hasMessageContaining("evaluate again, with --policy last=" + two);
    assertThat(pointer().path("model").asText()).isEqualTo(two);
    assertThat(directory.resolve("third/decision.json")).doesNotExist();
  }

  @Test
  void anOlderVersionPublishedAgainStaysWhatItWas() throws Exception {
    String one = model("one");
    String two = model("two");
    Publishing first = publishing(one, evaluation("first", Map.of(one, 0.5)), 0);
    first.run(storage);
    publishing(two, evaluation("second", Map.of(one, 0.5, two, 0.6)), 0).run(storage);
    Files.delete(directory.resolve("first/decision.json"));

    Decision again = first.run(storage);

    assertThat(again.published()).isTrue();
    assertThat(again.version()).isEqualTo(1);
    assertThat(pointer().path("version").asLong()).isEqualTo(2);
  }

  @Test
  void whatADeadPublisherLeftUnfinishedTheNextOneFinishes() throws Exception {
    String one = model("one");
    Publishing first = publishing(one, evaluation("first", Map.of(one, 0.5)), 0);
    first.run(storage);
    // It died between the log and the pointer.
    Files.delete(Path.of(to()));
    Files.delete(directory.resolve("first/decision.json"));

    assertThat(first.run(storage).published()).isTrue();
    assertThat(pointer().path("version").asLong()).isEqualTo(1);
    assertThat(PublishedModels.at(storage, to()).versions()).hasSize(1);
  }

  @Test
  void aPublishedModelThatWasOverwrittenIsNotTakenForTheSame() throws Exception {
    String one = model("one");
    Publishing first = publishing(one, evaluation("first", Map.of(one, 0.5)), 0);
    first.run(storage);
    Files.delete(directory.resolve("first/decision.json"));
    Path config = Path.of(one, "config.json");
    ObjectNode changed = (ObjectNode) JSON.readTree(config.toFile());
    changed.put("rms_norm_eps", 0.25);
    Files.writeString(config, changed.toString());

    assertThatThrownBy(() -> first.run(storage))
        .hasMessageContaining("is not what it was when it was published as version 1");
  }

  @Test
  void anotherCandidatesDecisionIsNotGivenOut() throws Exception {
    String one = model("one");
    String two = model("two");
    String evaluation = evaluation("first", Map.of(one, 0.5, two, 0.6));
    publishing(one, evaluation, 0).run(storage);

    assertThatThrownBy(() -> publishing(two, evaluation, 0).run(storage))
        .hasMessageContaining("decision.json holds the decision about " + one);
  }

  @Test
  void whatIsMissingIsNamed() throws Exception {
    String one = model("one");
    assertThatThrownBy(
            () -> publishing(one, directory.resolve("no.json").toString(), 0).run(storage))
        .hasMessageContaining("run evaluate first");
    assertThatThrownBy(
            () -> publishing("elsewhere", evaluation("first", Map.of(one, 0.5)), 0).run(storage))
        .hasMessageContaining("has no policy elsewhere");
    assertThatThrownBy(
            () -> publishing(one, evaluation("second", Map.of(one, Double.NaN)), 0).run(storage))
        .hasMessageContaining("run evaluate with --data");
    String gone = directory.resolve("gone").toString();
    assertThatThrownBy(
            () -> publishing(gone, evaluation("third", Map.of(gone, 0.5)), 0).run(storage))
        .isInstanceOfSatisfying(
            PlumblineException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.INPUT_NOT_FOUND));
    assertThat(Path.of(to())).doesNotExist();
  }

  /** All were compared with the same last model, so one may win and no more. */
  @ParameterizedTest
  @ValueSource(strings = {"file", "objects"})
  void ofManyPublishersAtOnceOneWins(String scheme) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    Storage shared = Storage.of(configuration);
    String prefix = scheme.equals("file") ? "" : scheme + "://";
    int publishers = 6;
    List<Callable<Boolean>> calls = new ArrayList<>();
    CountDownLatch start = new CountDownLatch(1);
    for (int i = 0; i < publishers; i++) {
      String candidate = prefix + model("candidate-" + i);
      String evaluation = prefix + evaluation("evaluation-" + i, Map.of(candidate, 0.5));
      Publishing publishing =
          new Publishing(
              candidate,
              evaluation,
              prefix + to(),
              evaluation + ".decision.json",
              ComparedMetric.ACCURACY,
              0);
      calls.add(
          () -> {
            start.await();
            try {
              return publishing.run(shared).published();
            } catch (PlumblineException e) {
              assertThat(e).hasMessageContaining("which is the last published model (version 1");
              return false;
            }
          });
    }
    ExecutorService threads = Executors.newFixedThreadPool(publishers);
    try {
      List<Future<Boolean>> running = calls.stream().map(threads::submit).toList();
      start.countDown();
      int winners = 0;
      for (Future<Boolean> call : running) {
        winners += call.get(60, TimeUnit.SECONDS) ? 1 : 0;
      }
      assertThat(winners).isEqualTo(1);
    } finally {
      threads.shutdownNow();
    }
    List<PublishedModel> versions = PublishedModels.at(shared, prefix + to()).versions();
    assertThat(versions).hasSize(1);
    assertThat(pointer().path("model").asText()).isEqualTo(versions.get(0).model());
  }
}
