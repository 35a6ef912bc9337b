package io.plumbline.spark.report;

import io.plumbline.spark.report.RouteComparison.Point;
import io.plumbline.spark.report.RouteComparison.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Charts as SVG elements that stand in the page and need no script. */
final class Drawing {
  private static final int WIDTH = 480;
  private static final int HEIGHT = 320;
  private static final int CURVE_HEIGHT = 170;
  private static final int LEFT = 56;
  private static final int RIGHT = 14;
  private static final int TOP = 24;
  private static final int BOTTOM = 40;
  private static final int MOST_POINTS = 240;
  private static final int LABEL_HEIGHT = 15;

  private final StringBuilder svg = new StringBuilder();

  private record Place(double x, double y) {}

  private Drawing() {}

  /** Reward over KL, a point a route, with bars of one standard error; empty without two values. */
  static Optional<String> rewardOverKl(RouteComparison comparison) {
    List<Route> routes =
        comparison.routes().stream()
            .filter(route -> route.reward().isPresent() && route.kl().isPresent())
            .toList();
    if (routes.isEmpty()) {
      return Optional.empty();
    }
    List<Double> kls = new ArrayList<>();
    List<Double> rewards = new ArrayList<>();
    for (Route route : routes) {
      double kl = route.kl().orElseThrow().mean();
      double klError = route.kl().orElseThrow().error().orElse(0);
      double reward = route.reward().orElseThrow().mean();
      double error = route.reward().orElseThrow().error().orElse(0);
      kls.addAll(List.of(kl - klError, kl + klError));
      rewards.addAll(List.of(reward - error, reward + error));
    }
    List<Point> reachable = new ArrayList<>(comparison.frontier());
    comparison.optimum().ifPresent(reachable::add);
    for (Point point : reachable) {
      kls.add(point.kl());
      rewards.add(point.reward());
    }
    Scale x = Scale.around(kls, LEFT, WIDTH - RIGHT);
    Scale y = Scale.around(rewards, HEIGHT - BOTTOM, TOP);
    Drawing drawing = new Drawing();
    drawing.begin(HEIGHT, "Mean reward over the KL from the reference, by route");
    drawing.grid(x, y, HEIGHT, "KL from the reference, nats a text", "reward");
    if (comparison.frontier().size() > 1) {
      drawing.line(
          comparison.frontier().stream().map(at -> new Place(at.kl(), at.reward())).toList(),
          x,
          y,
          "frontier");
    }
    comparison
        .optimum()
        .ifPresent(
            point -> {
              drawing.add(
                  "<circle class=\"optimum\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>",
                  x.at(point.kl()), y.at(point.reward()));
            });
    List<double[]> taken = new ArrayList<>();
    String best = RouteVerdict.best(comparison).map(Route::name).orElse("");
    for (Route route : routes) {
      drawing.route(route, route.name().equals(best), x, y, taken);
    }
    return Optional.of(drawing.end());
  }

  private void route(Route route, boolean best, Scale x, Scale y, List<double[]> taken) {
    double kl = route.kl().orElseThrow().mean();
    double reward = route.reward().orElseThrow().mean();
    route
        .reward()
        .orElseThrow()
        .error()
        .ifPresent(
            error ->
                add(
                    "<line class=\"error\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$.1f\" y2=\"%3$.1f\"/>",
                    x.at(kl), y.at(reward - error), y.at(reward + error)));
    route
        .kl()
        .orElseThrow()
        .error()
        .ifPresent(
            error ->
                add(
                    "<line class=\"error\" x1=\"%2$.1f\" x2=\"%3$.1f\" y1=\"%1$.1f\" y2=\"%1$.1f\"/>",
                    y.at(reward), x.at(kl - error), x.at(kl + error)));
    add(
        "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s</title></circle>",
        best ? "route best" : "route",
        x.at(kl),
        y.at(reward),
        Page.escapedHtml(
            String.format(
                "%s: reward %s, KL %s",
                route.name(),
                RouteVerdict.number(route.reward().orElseThrow()),
                RouteVerdict.number(route.kl().orElseThrow()))));
    boolean leftwards = x.at(kl) > WIDTH * 0.62;
    double labelX = x.at(kl) + (leftwards ? -9 : 9);
    double labelY = y.at(reward) - 8;
    // Labels of neighbours would cover each other: each goes down until it is free.
    for (int tries = 0; tries < taken.size(); tries++) {
      for (double[] other : taken) {
        if (Math.abs(other[0] - labelX) < WIDTH / 3.0
            && Math.abs(other[1] - labelY) < LABEL_HEIGHT) {
          labelY = other[1] + LABEL_HEIGHT;
        }
      }
    }
    labelY = Math.max(TOP + LABEL_HEIGHT, labelY);
    taken.add(new double[] {labelX, labelY});
    add(
        "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        labelX,
        labelY,
        leftwards ? "end" : "start",
        Page.escapedHtml(Shortened.of(route.name(), 28)));
  }

  /** One metric over the steps of a stage; empty where fewer than two steps have it. */
  static Optional<String> curve(List<Map<String, Double>> metrics, String metric) {
    List<Place> points = new ArrayList<>();
    for (Map<String, Double> line : metrics) {
      Double step = line.get("step");
      Double value = line.get(metric);
      if (step != null && value != null && Double.isFinite(value)) {
        points.add(new Place(step, value));
      }
    }
    if (points.size() < 2) {
      return Optional.empty();
    }
    points = averaged(points);
    Scale x =
        new Scale(
            points.get(0).x(),
            Math.max(points.get(0).x() + 1, points.get(points.size() - 1).x()),
            LEFT,
            WIDTH - RIGHT);
    Scale y = Scale.around(points.stream().map(Place::y).toList(), CURVE_HEIGHT - BOTTOM, TOP);
    Drawing drawing = new Drawing();
    drawing.begin(CURVE_HEIGHT, metric + " by step");
    drawing.grid(x, y, CURVE_HEIGHT, "step", "");
    drawing.line(points, x, y, "curve");
    return Optional.of(drawing.end());
  }

  /** Means of neighbours, so that a long history stays small. */
  private static List<Place> averaged(List<Place> points) {
    int bucket = (points.size() + MOST_POINTS - 1) / MOST_POINTS;
    List<Place> means = new ArrayList<>();
    for (int from = 0; from < points.size(); from += bucket) {
      List<Place> some = points.subList(from, Math.min(points.size(), from + bucket));
      means.add(
          new Place(
              some.stream().mapToDouble(Place::x).average().orElseThrow(),
              some.stream().mapToDouble(Place::y).average().orElseThrow()));
    }
    return means;
  }

  private void begin(int height, String label) {
    add(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
        WIDTH, height, Page.escapedHtml(label));
  }

  private void grid(Scale x, Scale y, int height, String xName, String yName) {
    for (double tick : y.ticks()) {
      add(
          "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%3$.1f\" y2=\"%3$.1f\"/>",
          LEFT, WIDTH - RIGHT, y.at(tick));
      add(
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
          LEFT - 6, y.at(tick) + 4, RouteVerdict.number(tick));
    }
    for (double tick : x.ticks()) {
      add(
          "<line class=\"grid\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$d\" y2=\"%3$d\"/>",
          x.at(tick), TOP, height - BOTTOM);
      add(
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
          x.at(tick), height - BOTTOM + 16, RouteVerdict.number(tick));
    }
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
        WIDTH - RIGHT, height - 6, Page.escapedHtml(xName));
    if (!yName.isEmpty()) {
      add("<text x=\"%d\" y=\"13\">%s</text>", LEFT, Page.escapedHtml(yName));
    }
  }

  private void line(List<Place> points, Scale x, Scale y, String kind) {
    StringBuilder path = new StringBuilder();
    for (Place point : points) {
      path.append(
          String.format(
              Locale.ROOT,
              "%s%.1f %.1f",
              path.length() == 0 ? "M" : "L",
              x.at(point.x()),
              y.at(point.y())));
    }
    add("<path class=\"%s\" d=\"%s\"/>", kind, path);
  }

  /** Numbers as the format says; texts must be escaped before. */
  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values));
  }

  private String end() {
    return svg.append("</svg>").toString();
  }
}
