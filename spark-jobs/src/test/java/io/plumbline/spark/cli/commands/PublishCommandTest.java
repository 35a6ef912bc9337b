package io.plumbline.spark.cli.commands;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.spark.cli.Call;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublishCommandTest {
  @TempDir Path directory;

  @Test
  void everythingThatIsWrongIsSaidAtOnce() {
    Call call = Call.plumbline("publish", "--to", "published", "--minimum-improvement", "-1");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("--candidate is missing")
        .contains("--evaluation is missing")
        .contains("--to is published and must be the name of a file that ends with .json")
        .contains("--minimum-improvement is '-1' and must be a number of at least 0");
  }

  @Test
  void theDecisionIsToldAndWrittenBesideTheEvaluation() throws Exception {
    Path model = Files.createDirectory(directory.resolve("model"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    Path evaluation = directory.resolve("evaluation.json");
    Files.writeString(
        evaluation,
        "{\"policies\": [{\"name\": \"candidate\", \"model\": \""
            + model
            + "\", \"preferences\": {\"accuracy\": 0.75, \"margin\": 0.5, \"pairs\": 8}}]}");
    String[] publish = {
      "publish",
      "--candidate",
      model.toString(),
      "--evaluation",
      evaluation.toString(),
      "--to",
      directory.resolve("published.json").toString()
    };

    Call text = Call.plumbline(publish);
    String[] again = Stream.concat(Stream.of(publish), Stream.of("--json")).toArray(String[]::new);
    Call json = Call.plumbline(again);

    assertThat(text.err()).isEmpty();
    assertThat(text.out())
        .contains("The first version.")
        .contains("published version 1 of " + directory.resolve("published.json") + ": " + model);
    JsonNode decision = new ObjectMapper().readTree(json.out());
    assertThat(decision.get("published").asBoolean()).isTrue();
    assertThat(new ObjectMapper().readTree(directory.resolve("decision.json").toFile()))
        .isEqualTo(decision);
  }
}
