package io.plumbline.spark.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a run's report: one HTML file that needs nothing beside it and no network. Its content
 * security policy forbids every request, and all texts of the run enter the page as text nodes.
 */
public final class Report {
  /** Points a curve keeps at most; longer histories are averaged over runs of steps. */
  static final int MOST_POINTS = 1000;

  private static final JsonMapper JSON = new JsonMapper();

  private Report() {}

  /** Writes the page to a path of any Hadoop file system, replacing what is there. */
  public static void write(Storage storage, String path, ReportData data) {
    storage.writeText(path, render(data));
  }

  /** The page as one string. */
  public static String render(ReportData data) {
    // One pass over the template's own places: text that was put in is never searched again.
    String template = resource("report.html");
    StringBuilder page = new StringBuilder();
    int from = 0;
    for (int at = template.indexOf("{{"); at >= 0; at = template.indexOf("{{", from)) {
      int end = template.indexOf("}}", at);
      page.append(template, from, at);
      String place = template.substring(at + 2, end);
      page.append(
          switch (place) {
            case "title" -> escapedHtml(data.title());
            case "style" -> resource("report.css");
            case "script" -> resource("report.js");
            case "data" -> scriptSafe(json(data));
            default -> throw new IllegalStateException("unknown place in the template: " + place);
          });
      from = end + 2;
    }
    return page.append(template, from, template.length()).toString();
  }

  private static String json(ReportData data) {
    ObjectNode root = JSON.createObjectNode();
    root.put("title", data.title());
    root.put("verdict", data.verdict());
    ArrayNode comparisons = root.putArray("comparisons");
    for (ReportData.Comparison comparison : data.comparisons()) {
      ObjectNode node = comparisons.addObject();
      node.put("metric", comparison.metric());
      node.put("meaning", comparison.meaning());
      putNumber(node, "before", comparison.before());
      putNumber(node, "after", comparison.after());
      node.put("better", comparison.better().name());
    }
    data.calibration().ifPresent(of -> putCalibration(root.putObject("calibration"), of));
    ArrayNode stages = root.putArray("stages");
    for (ReportData.Stage stage : data.stages()) {
      putStage(stages.addObject(), stage);
    }
    ArrayNode samples = root.putArray("samples");
    for (ReportData.Sample sample : data.samples()) {
      ObjectNode node = samples.addObject();
      node.put("prompt", sample.prompt());
      node.put("before", sample.before());
      node.put("after", sample.after());
      ArrayNode sides = node.putArray("data");
      sample.data().forEach(side -> sides.addArray().add(side.label()).add(side.text()));
    }
    ArrayNode scoredRows = root.putArray("scoredRows");
    for (ReportData.ScoredRow row : data.scoredRows()) {
      ObjectNode node = scoredRows.addObject();
      node.put("prompt", row.prompt());
      ArrayNode sides = node.putArray("sides");
      for (ReportData.ScoredSide side : row.sides()) {
        ObjectNode scored = sides.addObject();
        scored.put("label", side.label());
        scored.put("text", side.text());
        putNumber(scored, "before", side.before());
        putNumber(scored, "after", side.after());
      }
    }
    ArrayNode rollouts = root.putArray("rollouts");
    for (ReportData.RolloutGroup group : data.rollouts()) {
      ObjectNode node = rollouts.addObject();
      node.put("prompt", group.prompt());
      ArrayNode completions = node.putArray("completions");
      for (ReportData.Rollout rollout : group.completions()) {
        ObjectNode completion = completions.addObject();
        completion.put("text", rollout.text());
        completion.put("tokens", rollout.tokens());
        putNumber(completion, "reward", rollout.reward());
      }
    }
    ArrayNode warnings = root.putArray("warnings");
    data.warnings().forEach(warnings::add);
    ArrayNode remarks = root.putArray("remarks");
    data.remarks().forEach(remarks::add);
    ArrayNode quarantine = root.putArray("quarantine");
    for (ReportData.Refusal refusal : data.quarantine()) {
      ObjectNode node = quarantine.addObject();
      node.put("reason", refusal.reason());
      node.put("rows", refusal.rows());
      node.put("place", refusal.firstPlace());
    }
    // Lists of [name, value] and not objects: a JavaScript object would reorder names like "10".
    ArrayNode counts = root.putArray("counts");
    data.counts().forEach((name, value) -> counts.addArray().add(name).add(value));
    ArrayNode configuration = root.putArray("configuration");
    data.configuration().forEach((name, value) -> configuration.addArray().add(name).add(value));
    ArrayNode provenance = root.putArray("provenance");
    data.provenance().forEach((name, value) -> provenance.addArray().add(name).add(value));
    ArrayNode timings = root.putArray("timings");
    data.timings().forEach((name, value) -> timings.addArray().add(name).add(value));
    try {
      return JSON.writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "The report's data cannot be written as JSON; please report it.", e);
    }
  }

  private static void putCalibration(ObjectNode node, ReportData.Calibration calibration) {
    calibration.pairs().ifPresent(pairs -> node.put("pairs", pairs));
    putBins(node.putArray("before"), calibration.before());
    putBins(node.putArray("after"), calibration.after());
  }

  private static void putBins(ArrayNode array, List<ReportData.Bin> bins) {
    for (ReportData.Bin bin : bins) {
      ObjectNode node = array.addObject();
      putNumber(node, "from", bin.from());
      putNumber(node, "to", bin.to());
      putNumber(node, "share", bin.share());
      putNumber(node, "predicted", bin.predicted());
      putNumber(node, "observed", bin.observed());
    }
  }

  private static void putStage(ObjectNode node, ReportData.Stage stage) {
    List<Map<String, Double>> steps = stage.steps();
    int bucket = Math.max(1, (steps.size() + MOST_POINTS - 1) / MOST_POINTS);
    Set<String> names = new LinkedHashSet<>();
    steps.forEach(step -> names.addAll(step.keySet()));
    node.put("name", stage.name());
    node.put("averagedOver", bucket);
    stage.kept().ifPresent(step -> node.put("kept", step));
    ArrayNode metrics = node.putArray("metrics");
    for (String name : names) {
      ArrayNode metric = metrics.addArray().add(name);
      ArrayNode values = metric.addArray();
      for (int from = 0; from < steps.size(); from += bucket) {
        double sum = 0;
        int count = 0;
        double notFinite = 0;
        for (Map<String, Double> step :
            steps.subList(from, Math.min(steps.size(), from + bucket))) {
          Double value = step.get(name);
          if (value != null && Double.isFinite(value)) {
            sum += value;
            count++;
          } else if (value != null) {
            notFinite += value;
          }
        }
        // A step without the metric is null; a value that is not finite is its name. One such step
        // among many must not hide the others.
        if (count > 0) {
          values.add(sum / count);
        } else if (notFinite != 0) {
          values.add(Double.toString(notFinite));
        } else {
          values.addNull();
        }
      }
    }
  }

  private static void putNumber(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.put(name, Double.toString(value));
    }
  }

  /** JSON that may stand inside a script element: it holds no {@code <}, so no tag can end it. */
  static String scriptSafe(String json) {
    StringBuilder safe = new StringBuilder(json.length() + json.length() / 8);
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      switch (c) {
        case '<', '>', '&', '\u2028', '\u2029' -> safe.append(String.format("\\u%04x", (int) c));
        default -> {
          // A lone half of a surrogate pair has no UTF-8 form.
          boolean paired =
              Character.isHighSurrogate(c)
                  ? i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))
                  : i > 0 && Character.isHighSurrogate(json.charAt(i - 1));
          if (Character.isSurrogate(c) && !paired) {
            safe.append("\\ufffd");
          } else {
            safe.append(c);
          }
        }
      }
    }
    return safe.toString();
  }

  static String escapedHtml(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  private static String resource(String name) {
    try (InputStream in = Report.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new PlumblineException(
            ErrorCode.INTERNAL,
            "The jar lacks " + name + " of the report; build it again with mvn package.");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + name + " from the jar", e);
    }
  }
}
