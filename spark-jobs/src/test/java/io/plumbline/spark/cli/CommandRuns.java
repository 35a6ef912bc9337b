package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What tests of commands run, and what runs leave behind. */
final class CommandRuns {
  private static final ObjectMapper JSON = new ObjectMapper();

  private CommandRuns() {}

  /** Makes a small fresh model, with options of init-model besides its sizes; gives its path. */
  static String freshModel(Path path, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                ("init-model --output "
                        + path
                        + " --hidden-size 32 --layers 2 --heads 2 --kv-heads 1"
                        + " --intermediate-size 64")
                    .split(" ")));
    args.addAll(Arrays.asList(more));
    Call init = Call.plumbline(args.toArray(String[]::new));
    assertThat(init.status()).as(init.err()).isZero();
    return path.toString();
  }

  /** The lines of a run's metrics. */
  static List<JsonNode> metrics(Path output) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }
}
