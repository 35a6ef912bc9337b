package io.plumbline.spark.cli;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandGroup;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The program's own page: the commands under their headings, a line each. */
final class Overview {
  private static final int NAMES = 14;

  private Overview() {}

  static String of(List<Command> commands, int columns) {
    StringBuilder page = new StringBuilder("Usage: plumbline COMMAND [OPTIONS]\n\n");
    paragraph(
        page,
        columns,
        "",
        "Preference training for language models as Spark jobs: a table of preferences and a"
            + " Hugging Face checkpoint go in, a better checkpoint comes out.");
    for (CommandGroup group : CommandGroup.values()) {
      Map<String, String> lines = new LinkedHashMap<>();
      commands.stream()
          .filter(command -> command.group() == group)
          .forEach(command -> lines.put(command.name(), command.summary()));
      if (group == CommandGroup.MORE) {
        lines.put("help", "The page of one command: help COMMAND.");
        lines.put("version", "Versions of this program and of what it runs on.");
      }
      if (!lines.isEmpty()) {
        page.append('\n').append(group.heading()).append('\n');
        lines.forEach((name, summary) -> line(page, columns, name, summary));
      }
    }
    page.append('\n');
    paragraph(
        page,
        columns,
        "",
        "'plumbline COMMAND --help' explains a command with its options, defaults and examples,"
            + " and 'plumbline COMMAND --print-config' writes a file for --config with all of them."
            + " The pages in docs/ say more. The same commands run on a cluster:");
    page.append("  spark-submit --class ")
        .append(Plumbline.class.getName())
        .append(" plumbline.jar COMMAND …\n");
    return page.toString();
  }

  private static void line(StringBuilder page, int columns, String name, String summary) {
    StringBuilder folded = new StringBuilder();
    paragraph(folded, columns, " ".repeat(NAMES + 2), summary);
    page.append("  ")
        .append(name)
        .append(folded.substring(Math.min(name.length() + 2, folded.length())));
  }

  /** Folds a text at blanks. */
  private static void paragraph(StringBuilder page, int columns, String indent, String text) {
    StringBuilder line = new StringBuilder(indent);
    for (String word : text.split(" ", -1)) {
      boolean first = line.length() == indent.length();
      if (!first && line.length() + 1 + word.length() > columns) {
        page.append(line).append('\n');
        line = new StringBuilder(indent);
        first = true;
      }
      line.append(first ? "" : " ").append(word);
    }
    page.append(line).append('\n');
  }
}
