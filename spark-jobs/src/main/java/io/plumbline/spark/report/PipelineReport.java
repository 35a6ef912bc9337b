package io.plumbline.spark.report;

import io.plumbline.spark.report.PipelineReportData.Course;
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
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Writes a pipeline's report: one HTML file that needs nothing beside it and no network. It has the
 * verdict first, then the routes side by side, then the stages. Its tables stand in the page
 * without JavaScript too; {@code pipeline.js} draws its charts.
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

  /** What the script draws. */
  private record Charts(List<Plane> planes, List<StageCurve> curves, List<Double> seconds) {}

  private record Plane(RouteComparison comparison, Optional<String> best) {}

  private record StageCurve(String stage, String metric, Curves curves) {}

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
    Charts charts =
        new Charts(
            data.comparisons().stream()
                .filter(PipelineReport::isPlane)
                .map(one -> new Plane(one, RouteVerdict.best(one).map(Route::name)))
                .toList(),
            data.stages().stream().flatMap(stage -> curve(stage).stream()).toList(),
            data.stages().stream().map(stage -> stage.course().seconds()).toList());
    return Page.titled(data.title())
        .kind("Plumbline pipeline")
        .verdict(report.verdict())
        .style(Page.resource(PipelineReport.class, "pipeline.css"))
        .script(Page.resource(PipelineReport.class, "pipeline.js"))
        .content(report.content(charts))
        .data(charts);
  }

  private static boolean isPlane(RouteComparison comparison) {
    return comparison.routes().stream()
        .anyMatch(route -> route.reward().isPresent() && route.kl().isPresent());
  }

  /** The first key metric that at least two steps have. */
  private static Optional<StageCurve> curve(Stage stage) {
    for (String metric : KEY_METRICS) {
      long values =
          stage.metrics().stream()
              .filter(step -> Double.isFinite(step.getOrDefault(metric, Double.NaN)))
              .count();
      if (values > 1) {
        return Optional.of(
            new StageCurve(stage.name(), metric, Curves.of(stage.metrics(), metric::equals)));
      }
    }
    return Optional.empty();
  }

  private String content(Charts charts) {
    for (Stage stage : data.stages()) {
      if (!stage.course().error().isEmpty()) {
        markup("<p class=\"warning\"><strong>")
            .text("Stage " + stage.name() + " failed.")
            .markup("</strong> ")
            .text(stage.course().error())
            .markup("</p>\n");
      }
    }
    for (RouteComparison comparison : data.comparisons()) {
      section(
          data.comparisons().size() == 1
              ? "The routes side by side"
              : "The routes side by side, by " + comparison.stage(),
          () -> comparison(comparison));
    }
    section("Stages", this::stages);
    if (!charts.curves().isEmpty()) {
      section("How the stages went", this::curves);
    }
    section("Options", this::options);
    return content.toString();
  }

  private String verdict() {
    if (!data.comparisons().isEmpty()) {
      return RouteVerdict.of(data.comparisons().get(data.comparisons().size() - 1));
    }
    long done =
        data.stages().stream().filter(stage -> stage.course().status().equals("completed")).count();
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
    Optional<Route> best = RouteVerdict.best(comparison);
    table(
        "routes",
        List.of(
            "Route",
            "Reward",
            "KL",
            "Preference accuracy",
            "Length, tokens",
            "Win rate",
            "Wall time",
            "Steps"),
        comparison.routes(),
        route ->
            row(route, comparison.routes().size() > 1 && best.filter(route::equals).isPresent()));
    note(
        "Means over the same held-out prompts, ± one standard error. KL is from the reference, in"
            + " nats a text; the win rate is by the same reward. Wall time and steps are those of"
            + " all stages that a route came through."
            + (comparison.reference().isEmpty()
                ? ""
                : " The reference is " + comparison.reference() + "."));
    if (isPlane(comparison)) {
      markup("<div class=\"card reward-over-kl\"><h3>Reward over KL</h3>");
      String line =
          comparison.frontier().size() > 1
              ? "The line is what is within reach of the reference at each KL. "
              : "";
      String ring =
          comparison
              .optimum()
              .map(
                  point ->
                      String.format(
                          "The ring is the optimum%s, reward %s at a KL of %s.",
                          comparison.beta().isPresent()
                              ? " at beta " + RouteVerdict.number(comparison.beta().getAsDouble())
                              : "",
                          RouteVerdict.number(point.reward()),
                          RouteVerdict.number(point.kl())))
              .orElse("");
      if (!(line + ring).isEmpty()) {
        note(line + ring);
      }
      markup("</div>\n");
    }
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
    OptionalDouble length = route.length();
    cell(
        length.isPresent()
            ? Optional.of(String.format(Locale.ROOT, "%,.1f", length.getAsDouble()))
            : Optional.empty());
    cell(route.winRate().map(PipelineReport::winRate));
    cell(route.way().map(way -> duration(way.seconds())));
    cell(route.way().map(Way::steps).flatMap(PipelineReport::whole));
    markup("</tr>\n");
  }

  private static String winRate(WinRate rate) {
    return RouteVerdict.percent(rate.rate())
        + (rate.error().isPresent() ? " ± " + RouteVerdict.percent(rate.error().getAsDouble()) : "")
        + (rate.against().isEmpty() ? "" : " against " + rate.against());
  }

  private void stages() {
    table(
        "stages",
        List.of("Stage", "Command", "State", "Uses", "Steps", "Time", "Output"),
        data.stages(),
        this::row);
    double all = data.stages().stream().mapToDouble(stage -> stage.course().seconds()).sum();
    note("All stages together: " + duration(all) + ".");
  }

  private void row(Stage stage) {
    Course course = stage.course();
    markup("<tr><th scope=\"row\">");
    stage.link().ifPresent(link -> markup("<a href=\"").text(link).markup("\">"));
    text(stage.name()).markup(stage.link().isPresent() ? "</a></th>" : "</th>");
    cell(Optional.of(stage.command()));
    markup("<td><span class=\"tag" + tone(course.status()) + "\">");
    text(course.status()).markup("</span></td>");
    cell(Optional.of(String.join(", ", stage.uses())).filter(uses -> !uses.isEmpty()));
    cell(whole(course.steps()));
    markup("<td class=\"number time\">").text(duration(course.seconds()));
    markup("</td><td class=\"code\">").text(stage.output()).markup("</td></tr>\n");
  }

  private static String tone(String status) {
    return switch (status) {
      case "completed" -> " good";
      case "failed" -> " bad";
      default -> "";
    };
  }

  private void curves() {
    note("Curves of many steps are smoothed; their values stand behind them, paler.");
    markup("<div class=\"charts\" id=\"curves\"></div>\n");
  }

  private void options() {
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

  private static Optional<String> whole(OptionalLong value) {
    return value.isPresent()
        ? Optional.of(String.format(Locale.ROOT, "%,d", value.getAsLong()))
        : Optional.empty();
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

  private void section(String heading, Runnable body) {
    markup("<section><h2>").text(heading).markup("</h2>\n");
    body.run();
    markup("</section>\n");
  }

  private <T> void table(String name, List<String> columns, List<T> rows, Consumer<T> row) {
    markup("<div class=\"card scroll\"><table class=\"" + name + "\"><thead><tr>");
    for (String column : columns) {
      markup("<th scope=\"col\">").text(column).markup("</th>");
    }
    markup("</tr></thead><tbody>\n");
    rows.forEach(row);
    markup("</tbody></table></div>\n");
  }

  private void cell(Optional<String> value) {
    markup("<td class=\"number\">").text(value.orElse(ABSENT)).markup("</td>");
  }

  private void note(String sentences) {
    markup("<p class=\"note\">").text(sentences).markup("</p>\n");
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
