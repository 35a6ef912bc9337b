package io.plumbline.spark.cli.options;

import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Algorithms;
import java.util.List;
import java.util.stream.Stream;

/** The headings of the list of commands, each with the pages that say more. */
public enum CommandGroup {
  START("Start here"),
  DATA("Data"),
  TRAIN("Train"),
  USE("Use and measure models"),
  CHAIN("Many stages"),
  LOOK("Look and keep track"),
  MORE("This program");

  private final String heading;

  CommandGroup(String heading) {
    this.heading = heading;
  }

  public String heading() {
    return heading;
  }

  /** The group that names a command; the last where none does. */
  static CommandGroup of(String command) {
    return Stream.of(values())
        .filter(group -> group.names(command))
        .findFirst()
        .orElse(CommandGroup.MORE);
  }

  /** Whether it names a command itself. */
  public boolean names(String command) {
    return commands().contains(command);
  }

  private List<String> commands() {
    return switch (this) {
      case START -> List.of("quickstart", "init-model", "add-tokens", "merge");
      case DATA -> List.of("prepare", "reference", "mine");
      case TRAIN -> Algorithms.ALL.stream().map(Algorithm::command).toList();
      case USE -> List.of("generate", "score", "evaluate");
      case CHAIN -> List.of("pipeline", "rerun", "publish");
      case LOOK -> List.of("inspect", "track");
      case MORE -> List.of("completion");
    };
  }

  /** Pages of the repository. */
  public List<String> docs() {
    List<String> own =
        switch (this) {
          case START -> List.of("README.md", "docs/tokenizers.md");
          case DATA ->
              List.of(
                  "docs/data-formats.md", "docs/sources.md", "docs/mining.md", "docs/cluster.md");
          case TRAIN ->
              List.of(
                  "docs/algorithms.md",
                  "docs/objectives.md",
                  "docs/data-formats.md",
                  "docs/rewards.md",
                  "docs/trl-options.md",
                  "docs/failure-and-recovery.md",
                  "docs/cluster.md");
          case USE -> List.of("docs/generate.md", "docs/evaluate.md");
          case CHAIN -> List.of("docs/pipelines.md", "docs/tracking.md", "docs/airflow.md");
          case LOOK -> List.of("docs/report.md", "docs/ledger.md", "docs/tracking.md");
          case MORE -> List.of();
        };
    return Stream.concat(own.stream(), Stream.of("docs/command-line.md")).toList();
  }
}
