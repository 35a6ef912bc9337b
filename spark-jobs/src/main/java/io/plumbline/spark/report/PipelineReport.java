package io.plumbline.spark.report;

import io.plumbline.spark.report.PipelineReportData.Stage;
import io.plumbline.spark.report.RouteComparison.Route;
import io.plumbline.spark.report.RouteComparison.Way;
import io.plumbline.spark.report.RouteComparison.WinRate;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Writes a pipeline's report: one HTML file without scripts that needs nothing beside it and no
 * network. It has the verdict first, then the routes side by side, then the stages.
 */
public final class PipelineReport {
  /** The metric that tells most of a stage, the first that it has. */
  private static final List<String> KEY_METRICS =
      List.of(
          "objective/scores",
          "reward",
          "rewards/accuracies",
          "rewards/margins",
          "accuracy",
          "loss");

  private static final String ABSENT = "–";

  private final PipelineReportData data;
  private final StringBuilder content = new StringBuilder();

  private PipelineReport(PipelineReportData data) {
    this.data = data;
  }

  /** Writes the page to a path of any Hadoop file system, replacing what is there. */
  public static void write(Storage storage, String path, PipelineReportData data) {
    page(data).write(storage, path);
  }

  /** The page as one string. */
  public static String render(PipelineReportData data) {
    return page(data).render();
  }

  private static Page page(PipelineReportData data) {
    PipelineReport report = new PipelineReport(data);
    return Page.titled(data.title())
        .kind("Plumbline pipeline")
        .verdict(report.verdict())
        .style(Page.resource(PipelineReport.class, "pipeline.css"))
        .content(report.content());
  }

  private String content() {
    for (Stage stage : data.stages()) {
      if (!stage.error().isEmpty()) {
        markup("<p class=\"warning\"><strong>")
            .text("Stage " + stage.name() + " failed.")
            .markup("</strong> ")
            .text(stage.error())
            .markup("</p>\n");
      }
    }
    for (RouteComparison comparison : data.comparisons()) {
      comparison(comparison);
    }
    stages();
    curves();
    options();
    return content.toString();
  }

  private String verdict() {
    if (!data.comparisons().isEmpty()) {
      return RouteVerdict.of(data.comparisons().get(data.comparisons().size() - 1));
    }
    long done = data.stages().stream().filter(stage -> stage.status().equals("completed")).count();
    boolean compares = data.stages().stream().anyMatch(stage -> stage.command().equals("evaluate"));
    return String.format(
        "%d of %d stages are done. %s",
        done,
        data.stages().size(),
        compares
            ? "The routes are compared once the stage that evaluates them is."
            : "No stage compares the routes: add one with the command evaluate.");
  }

  private void comparison(RouteComparison comparison) {
    heading(
        data.comparisons().size() == 1
            ? "The routes side by side"
            : "The routes side by side, by " + comparison.stage());
    markup("<div class=\"card scroll\"><table class=\"routes\"><thead><tr>");
    for (String column :
        List.of(
            "Route",
            "Reward",
            "KL",
            "Preference accuracy",
            "Length, tokens",
            "Win rate",
            "Wall time",
            "Steps")) {
      markup("<th scope=\"col\">").text(column).markup("</th>");
    }
    markup("</tr></thead><tbody>\n");
    Optional<Route> best = RouteVerdict.best(comparison);
    for (Route route : comparison.routes()) {
      row(route, comparison.routes().size() > 1 && best.filter(route::equals).isPresent());
    }
    markup("</tbody></table></div>\n<p class=\"note\">");
    text(
        "Means over the same held-out prompts, ± one standard error. KL is from the reference, in"
            + " nats a text; the win rate is by the same reward. Wall time and steps are those of"
            + " all stages that a route came through.");
    if (!comparison.reference().isEmpty()) {
      text(" The reference is " + comparison.reference() + ".");
    }
    markup("</p>\n");
    Optional<String> chart = Drawing.rewardOverKl(comparison);
    chart.ifPresent(
        svg -> {
          markup("<div class=\"card chart\"><h3>Reward over KL</h3>").markup(svg);
          if (comparison.optimum().isPresent() || comparison.frontier().size() > 1) {
            markup("<p class=\"note\">");
            text(
                (comparison.frontier().size() > 1
                        ? "The dashed line is what is within reach of the reference at each KL. "
                        : "")
                    + comparison
                        .optimum()
                        .map(
                            point ->
                                String.format(
                                    "The ring is the optimum%s, reward %s at a KL of %s.",
                                    comparison.beta().isPresent()
                                        ? " at beta "
                                            + RouteVerdict.number(comparison.beta().getAsDouble())
                                        : "",
                                    RouteVerdict.number(point.reward()),
                                    RouteVerdict.number(point.kl())))
                        .orElse(""));
            markup("</p>");
          }
          markup("</div>\n");
        });
  }

  private void row(Route route, boolean best) {
    markup(best ? "<tr class=\"best\">" : "<tr>").markup("<th scope=\"row\">").text(route.name());
    if (best) {
      markup(" <span class=\"tag good\">best</span>");
    }
    route
        .way()
        .ifPresent(
            way ->
                markup("<div class=\"way\">")
                    .text(String.join(" → ", way.stages()))
                    .markup("</div>"));
    markup("</th>");
    cell(route.reward().map(RouteVerdict::number));
    cell(route.kl().map(RouteVerdict::number));
    cell(
        route
            .accuracy()
            .map(
                share ->
                    RouteVerdict.percent(share)
                        + (route.pairs().isPresent()
                            ? String.format(Locale.ROOT, " of %,d", route.pairs().getAsLong())
                            : "")));
    cell(optional(route.length()).map(length -> String.format(Locale.ROOT, "%,.1f", length)));
    cell(route.winRate().map(PipelineReport::winRate));
    cell(route.way().map(way -> duration(way.seconds())));
    cell(
        route
            .way()
            .map(Way::steps)
            .filter(steps -> steps.isPresent())
            .map(steps -> String.format(Locale.ROOT, "%,d", steps.getAsLong())));
    markup("</tr>\n");
  }

  private static String winRate(WinRate rate) {
    return RouteVerdict.percent(rate.rate())
        + (rate.error().isPresent() ? " ± " + RouteVerdict.percent(rate.error().getAsDouble()) : "")
        + (rate.against().isEmpty() ? "" : " against " + rate.against());
  }

  private void stages() {
    heading("Stages");
    double longest = data.stages().stream().mapToDouble(Stage::seconds).max().orElse(0);
    markup("<div class=\"card scroll\"><table class=\"stages\"><thead><tr>");
    for (String column : List.of("Stage", "Command", "State", "Uses", "Steps", "Time", "Output")) {
      markup("<th scope=\"col\">").text(column).markup("</th>");
    }
    markup("</tr></thead><tbody>\n");
    for (Stage stage : data.stages()) {
      markup("<tr><th scope=\"row\">");
      if (stage.link().isPresent()) {
        markup("<a href=\"").text(stage.link().get()).markup("\">");
        text(stage.name()).markup("</a>");
      } else {
        text(stage.name());
      }
      markup("</th>");
      cell(Optional.of(stage.command()));
      markup("<td><span class=\"tag" + tone(stage.status()) + "\">");
      text(stage.status()).markup("</span></td>");
      cell(Optional.of(String.join(", ", stage.uses())).filter(uses -> !uses.isEmpty()));
      cell(
          stage.steps().isPresent()
              ? Optional.of(String.format(Locale.ROOT, "%,d", stage.steps().getAsLong()))
              : Optional.empty());
      markup("<td class=\"number\">").text(duration(stage.seconds()));
      if (longest > 0) {
        markup(
            String.format(
                Locale.ROOT,
                "<svg class=\"bar\"><rect width=\"%.1f%%\" height=\"8\" rx=\"4\"/></svg>",
                Math.max(2, 100 * stage.seconds() / longest)));
      }
      markup("</td><td class=\"code\">").text(stage.output()).markup("</td></tr>\n");
    }
    double all = data.stages().stream().mapToDouble(Stage::seconds).sum();
    markup("</tbody></table></div>\n<p class=\"note\">");
    text("All stages together: " + duration(all) + ".").markup("</p>\n");
  }

  private static String tone(String status) {
    return switch (status) {
      case "completed" -> " good";
      case "failed" -> " bad";
      default -> "";
    };
  }

  private record Curve(String stage, String metric, String svg) {}

  private void curves() {
    List<Curve> curves = data.stages().stream().flatMap(stage -> keyCurve(stage).stream()).toList();
    if (curves.isEmpty()) {
      return;
    }
    heading("How the stages went");
    markup("<div class=\"charts\">");
    for (Curve curve : curves) {
      markup("<div class=\"card\"><div class=\"chart-head\"><h3>").text(curve.stage());
      markup("</h3><span class=\"last\">").text(curve.metric()).markup("</span></div>");
      markup(curve.svg()).markup("</div>\n");
    }
    markup("</div>\n");
  }

  private static Optional<Curve> keyCurve(Stage stage) {
    for (String metric : KEY_METRICS) {
      Optional<String> svg = Drawing.curve(stage.metrics(), metric);
      if (svg.isPresent()) {
        return Optional.of(new Curve(stage.name(), metric, svg.get()));
      }
    }
    return Optional.empty();
  }

  private void options() {
    heading("Options");
    for (Stage stage : data.stages()) {
      markup("<details class=\"card\"><summary>").text(stage.name() + ": " + stage.command());
      markup("</summary><table>\n");
      for (Map.Entry<String, String> option : stage.options().entrySet()) {
        markup("<tr><th scope=\"row\">").text(option.getKey()).markup("</th><td class=\"code\">");
        text(option.getValue()).markup("</td></tr>\n");
      }
      markup("</table></details>\n");
    }
  }

  private static Optional<Double> optional(OptionalDouble value) {
    return value.isPresent() ? Optional.of(value.getAsDouble()) : Optional.empty();
  }

  private static String duration(double seconds) {
    if (seconds < 60) {
      return RouteVerdict.number(seconds) + " s";
    }
    long s = Math.round(seconds);
    return s < 3600
        ? String.format(Locale.ROOT, "%d min %02d s", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d h %02d min", s / 3600, s % 3600 / 60);
  }

  private void cell(Optional<String> value) {
    markup("<td class=\"number\">").text(value.orElse(ABSENT)).markup("</td>");
  }

  private void heading(String words) {
    markup("<h2>").text(words).markup("</h2>\n");
  }

  /** Markup of this class's own, in which all texts are escaped already. */
  private PipelineReport markup(String html) {
    content.append(html);
    return this;
  }

  /** A text from outside. */
  private PipelineReport text(String words) {
    content.append(Page.escapedHtml(words));
    return this;
  }
}
