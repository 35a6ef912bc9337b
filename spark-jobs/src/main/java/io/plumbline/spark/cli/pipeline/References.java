package io.plumbline.spark.cli.pipeline;

import io.plumbline.base.NearestName;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stages name of each other, as {@code ${STAGE.PART}}; {@code ${output}} is the pipeline's own
 * directory. A second dollar sign in front makes a text of what would be a reference.
 */
final class References {
  private static final Pattern REFERENCE = Pattern.compile("\\$(\\$?)\\{([^{}]*)}");

  /** Stands for what a wrong reference would have named, so that checking can continue. */
  private static final String UNRESOLVED = "unresolved";

  private final String pipelineOutput;
  private final Map<String, Set<String>> named = new LinkedHashMap<>();
  private final Map<String, Optional<PipelineStage>> earlier = new LinkedHashMap<>();

  /**
   * @param stages all stages of the file, in order
   */
  References(String pipelineOutput, List<PipelineFile.Stage> stages) {
    this.pipelineOutput = pipelineOutput;
    stages.forEach(stage -> named.put(stage.name(), stagesIn(stage)));
  }

  private static Set<String> stagesIn(PipelineFile.Stage stage) {
    Set<String> names = new LinkedHashSet<>();
    for (SettingValues.Given given : stage.options().values()) {
      for (String text : given.texts()) {
        Matcher matcher = REFERENCE.matcher(text);
        while (matcher.find()) {
          int dot = matcher.group(2).indexOf('.');
          if (matcher.group(1).isEmpty() && dot >= 0) {
            names.add(matcher.group(2).substring(0, dot).strip());
          }
        }
      }
    }
    return names;
  }

  /** Makes a stage known to those behind it; empty for one that has problems of its own. */
  void done(String name, Optional<PipelineStage> stage) {
    earlier.put(name, stage);
  }

  /**
   * A text with paths in the place of its references.
   *
   * @param stage whose text it is
   * @param where where the text stands, for problems
   * @param uses gets the names of the stages
   */
  String resolve(
      String text, String stage, String where, Consumer<String> uses, Problems problems) {
    return REFERENCE
        .matcher(text)
        .replaceAll(
            found ->
                Matcher.quoteReplacement(
                    found.group(1).isEmpty()
                        ? path(found.group(2).strip(), stage, where, uses, problems)
                        : found.group().substring(1)));
  }

  private String path(
      String reference, String stage, String where, Consumer<String> uses, Problems problems) {
    if (reference.equals(StageParts.OUTPUT)) {
      return pipelineOutput;
    }
    String written = "${" + reference + "}";
    int dot = reference.indexOf('.');
    if (dot < 0) {
      problems.add(
          String.format(
              "%s %s is no reference: write it as in ${sft.checkpoint}, or" + " ${output}.",
              written, where));
      return UNRESOLVED;
    }
    String target = reference.substring(0, dot);
    String part = reference.substring(dot + 1);
    if (!named.containsKey(target)) {
      problems.add(
          String.format(
              "%s %s names no stage%s",
              written,
              where,
              NearestName.among(named.keySet(), target)
                  .map(near -> ": did you mean ${" + near + "." + part + "}?")
                  .orElse(": there is no stage " + target + " in the file.")));
      return UNRESOLVED;
    }
    if (!earlier.containsKey(target)) {
      problems.add(circle(target, stage, written, where));
      return UNRESOLVED;
    }
    Optional<PipelineStage> found = earlier.get(target);
    if (found.isEmpty()) {
      return UNRESOLVED;
    }
    Optional<String> path = found.get().parts().path(found.get().output(), part);
    if (path.isEmpty()) {
      List<String> parts = new ArrayList<>(found.get().parts().parts().keySet());
      parts.add(StageParts.OUTPUT);
      parts.sort(null);
      problems.add(
          String.format(
              "%s %s names what %s does not leave behind: there is %s.",
              written,
              where,
              found.get().command().name(),
              String.join(
                  ", ", parts.stream().map(one -> "${" + target + "." + one + "}").toList())));
      return UNRESOLVED;
    }
    uses.accept(target);
    return path.get();
  }

  private String circle(String target, String stage, String written, String where) {
    List<String> way = new ArrayList<>(List.of(stage));
    if (leads(target, stage, way, new LinkedHashSet<>())) {
      return String.format(
          "%s %s closes a circle (%s): a stage cannot wait for itself.",
          written, where, String.join(" uses ", way));
    }
    return String.format(
        "%s %s names a stage that comes later in the file: move %s in front of %s.",
        written, where, target, stage);
  }

  /** Whether references lead from one stage to another, and by which. */
  private boolean leads(String from, String to, List<String> way, Set<String> seen) {
    way.add(from);
    if (from.equals(to)) {
      return true;
    }
    if (seen.add(from)) {
      for (String next : named.getOrDefault(from, Set.of())) {
        if (leads(next, to, way, seen)) {
          return true;
        }
      }
    }
    way.remove(way.size() - 1);
    return false;
  }
}
