package io.plumbline.spark.cli.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.spark.report.PipelineReport;
import io.plumbline.spark.report.PipelineReportData;
import io.plumbline.spark.report.RouteComparison;
import io.plumbline.spark.report.RouteComparison.Way;
import io.plumbline.spark.run.MetricsFile;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Gathers what the report of a pipeline shows from its record and from what its stages left. */
final class PipelinePages {
  private static final String EVALUATION = "evaluation";

  private final Pipeline pipeline;
  private final PipelineRecord record;
  private final Storage storage;

  private PipelinePages(Pipeline pipeline, PipelineRecord record, Storage storage) {
    this.pipeline = pipeline;
    this.record = record;
    this.storage = storage;
  }

  /** Writes the report and gives its path. */
  static String write(Pipeline pipeline, PipelineRecord record, Storage storage) {
    String path = new RunDirectory(pipeline.output()).report();
    PipelineReport.write(storage, path, new PipelinePages(pipeline, record, storage).data());
    return path;
  }

  private PipelineReportData data() {
    List<PipelineReportData.Stage> stages = new ArrayList<>();
    List<RouteComparison> comparisons = new ArrayList<>();
    for (PipelineStage stage : pipeline.stages()) {
      stages.add(stage(stage));
      Optional<String> evaluation = stage.parts().path(stage.output(), EVALUATION);
      if (evaluation.isPresent()
          && record.stage(stage.name()).filter(PipelineRecord.Stage::isComplete).isPresent()) {
        comparisons.add(
            RouteComparison.of(stage.name(), json(evaluation.get()), model -> way(model)));
      }
    }
    String file = pipeline.file();
    return new PipelineReportData(file.substring(file.lastIndexOf('/') + 1), stages, comparisons);
  }

  private PipelineReportData.Stage stage(PipelineStage stage) {
    Optional<PipelineRecord.Stage> begun = record.stage(stage.name());
    RunDirectory run = new RunDirectory(stage.output());
    Map<String, String> options = new LinkedHashMap<>();
    PipelineRecord.masked(stage.written())
        .properties()
        .forEach(
            option ->
                options.put(
                    option.getKey(),
                    option.getValue().isArray()
                        ? texts(option.getValue()).collect(Collectors.joining(", "))
                        : option.getValue().asText()));
    boolean measured = begun.isPresent() && storage.exists(run.metrics());
    return new PipelineReportData.Stage(
        stage.name(),
        stage.command().name(),
        options,
        stage.uses().stream().sorted().toList(),
        new PipelineReportData.Course(
            begun.map(step -> Texts.word(step.status())).orElse("not begun"),
            begun.map(PipelineRecord.Stage::seconds).orElse(0.0),
            begun.isPresent() ? steps(stage) : OptionalLong.empty(),
            begun.map(PipelineRecord.Stage::error).orElse("")),
        stage.output(),
        begun.isPresent() && storage.exists(run.report()) ? link(run.report()) : Optional.empty(),
        measured ? MetricsFile.read(storage, run.metrics()) : List.of());
  }

  private static Stream<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts.stream();
  }

  /** The address of a file below the pipeline's directory; none of others, which may move apart. */
  private Optional<String> link(String path) {
    String root = pipeline.output().replaceAll("/+$", "") + "/";
    if (!path.startsWith(root)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new URI(null, null, path.substring(root.length()), null).toASCIIString());
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }

  private OptionalLong steps(PipelineStage stage) {
    String path = new RunDirectory(stage.output()).runRecord();
    if (stage.parts().remains() != StageParts.Remains.RESUMED || !storage.exists(path)) {
      return OptionalLong.empty();
    }
    return RunRecord.read(storage, path)
        .count("steps")
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /** The stages by which a model came to be, if one of them made it. */
  private Optional<Way> way(String model) {
    String wanted = model.replaceAll("/+$", "");
    for (PipelineStage stage : pipeline.stages()) {
      if (stage.parts().path(stage.output(), "checkpoint").filter(wanted::equals).isPresent()) {
        List<PipelineStage> all = new ArrayList<>(pipeline.before(stage));
        all.add(stage);
        long steps = all.stream().mapToLong(one -> steps(one).orElse(0)).sum();
        return Optional.of(
            new Way(
                all.stream().map(PipelineStage::name).toList(),
                all.stream()
                    .mapToDouble(
                        one ->
                            record.stage(one.name()).map(PipelineRecord.Stage::seconds).orElse(0.0))
                    .sum(),
                steps == 0 ? OptionalLong.empty() : OptionalLong.of(steps)));
      }
    }
    return Optional.empty();
  }

  private JsonNode json(String path) {
    try {
      return Json.MAPPER.readTree(storage.readText(path));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, path + " is no JSON: do its stage again by --redo.", e);
    }
  }
}
