package io.plumbline.spark.report;

import io.plumbline.spark.run.MetricsFile;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * All that the report of a pipeline shows. Texts are plain text.
 *
 * @param title the pipeline's file
 * @param stages in order
 * @param comparisons one for each stage that evaluated policies, in order
 */
public record PipelineReportData(
    String title, List<Stage> stages, List<RouteComparison> comparisons) {
  /**
   * A stage and how it went.
   *
   * @param options as the file has them
   * @param uses names of the stages whose outputs it reads
   * @param link a relative address of its own report, where it has one
   * @param metrics of each step, as {@link MetricsFile} reads them; empty where it has none
   */
  public record Stage(
      String name,
      String command,
      Map<String, String> options,
      List<String> uses,
      Course course,
      String output,
      Optional<String> link,
      List<Map<String, Double>> metrics) {
    public Stage {
      Objects.requireNonNull(name, "name");
      options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
      uses = List.copyOf(uses);
      metrics = List.copyOf(metrics);
    }
  }

  /**
   * How a stage went.
   *
   * @param status a word, such as completed
   * @param seconds that it took; 0 where it was not begun
   * @param steps updates, where it trains
   * @param error why it failed; empty where it did not
   */
  public record Course(String status, double seconds, OptionalLong steps, String error) {}

  public PipelineReportData {
    Objects.requireNonNull(title, "title");
    stages = List.copyOf(stages);
    comparisons = List.copyOf(comparisons);
  }
}
