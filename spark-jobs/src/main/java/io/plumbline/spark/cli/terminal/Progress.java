package io.plumbline.spark.cli.terminal;

import io.plumbline.spark.progress.ProgressListener;
import java.io.PrintStream;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Shows the progress of a job: one line that rewrites itself on a terminal, plain lines at a
 * bounded rate elsewhere.
 */
public final class Progress implements ProgressListener, AutoCloseable {
  private static final Duration BETWEEN_LINES = Duration.ofSeconds(2);

  /** Where lines stay, a long stage has them less often: a log is read as a whole. */
  private static final Duration MOST_BETWEEN_LINES = Duration.ofMinutes(1);

  private static final int LINES_A_STAGE = 20;
  private static final Duration BETWEEN_DRAWINGS = Duration.ofMillis(100);
  private static final int BAR = 20;

  /** Metrics that a line has room for, by the word that stands for each; methods have a few. */
  private static final Map<String, String> SHOWN = new LinkedHashMap<>();

  static {
    SHOWN.put("loss", "loss");
    SHOWN.put("accuracy", "accuracy");
    SHOWN.put("margin", "margin");
    SHOWN.put("rewards/margins", "margin");
    SHOWN.put("rewards/accuracies", "accuracy");
    SHOWN.put("kl", "kl");
  }

  private final PrintStream out;
  private final int columns;
  private final LongSupplier nanos;

  private String unit = "";
  private long total;
  private long stageStarted;
  private long evaluationStarted;
  private long lastShown;
  private boolean shownInStage;
  private boolean drawn;
  private String waiting = "";
  private String lastLine = "";

  private long firstStep = -1;
  private long firstStepAt;
  private long lastStepAt;
  private double lastTokens = Double.NaN;

  private Progress(PrintStream out, int columns, LongSupplier nanos) {
    this.out = out;
    this.columns = columns;
    this.nanos = nanos;
  }

  public static Progress on(Console console) {
    return on(console, System::nanoTime);
  }

  public static Progress on(Console console, LongSupplier nanos) {
    return new Progress(console.err(), console.columns().orElse(0), nanos);
  }

  private boolean terminal() {
    return columns > 0;
  }

  @Override
  public synchronized void stageStarted(String name, long stageTotal, String stageUnit) {
    flushWaiting();
    erase();
    unit = stageUnit;
    total = stageTotal;
    stageStarted = nanos.getAsLong();
    shownInStage = false;
    firstStep = -1;
    lastTokens = Double.NaN;
    lastStepAt = stageStarted;
    if (terminal()) {
      draw(bar(0, total), name + (total > 0 ? "  0/" + total + " " + unit : ""));
    } else {
      out.println(name + ": starts" + (total > 0 ? ", " + total + " " + unit : ""));
    }
  }

  @Override
  public synchronized void stageAdvanced(String name, long done) {
    stageAdvanced(name, done, new Amount(done, unit));
  }

  @Override
  public synchronized void stageAdvanced(String name, long done, Amount handled) {
    long elapsed = nanos.getAsLong() - stageStarted;
    show(
        counted(name, done, total, unit)
            + rate(handled.amount(), elapsed, handled.unit())
            + timeLeft(elapsed, done, total),
        done,
        total,
        done >= total && total > 0);
  }

  @Override
  public synchronized void evaluating(long done, long heldOut) {
    if (done == 0) {
      evaluationStarted = nanos.getAsLong();
    }
    long now = nanos.getAsLong();
    if (!terminal() && (done == 0 || now - lastShown < leastNanos(now))) {
      // Most are over soon, and their result is a line of its own.
      return;
    }
    long elapsed = now - evaluationStarted;
    show(
        counted("evaluate", done, heldOut, "rows")
            + rate(done, elapsed, "rows")
            + timeLeft(elapsed, done, heldOut),
        done,
        heldOut,
        false);
  }

  private static String counted(String name, long done, long all, String unit) {
    return String.format(Locale.ROOT, "%s  %d%s %s", name, done, all > 0 ? "/" + all : "", unit);
  }

  private static String rate(long amount, long elapsedNanos, String unit) {
    if (amount <= 0 || elapsedNanos <= 0) {
      return "";
    }
    double rate = amount / (elapsedNanos / 1e9);
    return String.format(Locale.ROOT, rate < 10 ? "  %.2f %s/s" : "  %,.0f %s/s", rate, unit);
  }

  @Override
  public synchronized void stageFinished(String name, String summary) {
    // The line that was held back would say less than the summary does.
    if (firstStep >= 0) {
      flushWaiting();
    }
    waiting = "";
    erase();
    out.printf(Locale.ROOT, "%s: %s%n", name, summary.isEmpty() ? took() : summary);
  }

  @Override
  public synchronized void step(long step, long totalSteps, Map<String, Double> metrics) {
    long now = nanos.getAsLong();
    StringBuilder line = new StringBuilder("step ").append(step).append('/').append(totalSteps);
    for (String prefix : List.of("", "eval_")) {
      SHOWN.forEach((metric, word) -> metric(line, prefix + word, metrics.get(prefix + metric)));
      if (!metrics.containsKey(prefix + "rewards/margins")) {
        // Where there are preferences, they are what a line has room for.
        metric(line, prefix + "token_accuracy", metrics.get(prefix + "mean_token_accuracy"));
      }
    }
    if (metrics.containsKey("loss")) {
      double tokens = metrics.getOrDefault("num_tokens", Double.NaN);
      double perSecond =
          metrics.containsKey("tokens_per_second")
              ? metrics.get("tokens_per_second")
              : (tokens - lastTokens) / Math.max(1e-9, (now - lastStepAt) / 1e9);
      if (Double.isFinite(perSecond)) {
        line.append(String.format(Locale.ROOT, "  %,.0f tokens/s", perSecond));
      }
      lastTokens = tokens;
      lastStepAt = now;
      if (firstStep < 0) {
        firstStep = step;
        firstStepAt = now;
      }
      line.append(timeLeft(now - firstStepAt, step - firstStep, totalSteps - firstStep));
    }
    total = totalSteps;
    if (metrics.containsKey("loss")) {
      show(line.toString(), step, totalSteps, step >= totalSteps);
    } else {
      // Evaluations are few, and each was asked for.
      note(line.toString());
    }
  }

  @Override
  public synchronized void note(String line) {
    erase();
    out.println(line);
  }

  /** Leaves the terminal's line free for what comes next. */
  @Override
  public synchronized void close() {
    flushWaiting();
    erase();
    out.flush();
  }

  private void show(String line, long done, long all, boolean last) {
    long now = nanos.getAsLong();
    if (Interruption.underWay() || (shownInStage && line.equals(lastLine))) {
      return;
    }
    if (shownInStage && !last && now - lastShown < leastNanos(now)) {
      waiting = line;
      return;
    }
    lastLine = line;
    waiting = "";
    shownInStage = true;
    lastShown = now;
    if (terminal()) {
      draw(bar(done, all), line);
    } else {
      out.println(line);
    }
  }

  private long leastNanos(long now) {
    return terminal()
        ? BETWEEN_DRAWINGS.toNanos()
        : Math.min(
            MOST_BETWEEN_LINES.toNanos(),
            Math.max(BETWEEN_LINES.toNanos(), (now - stageStarted) / LINES_A_STAGE));
  }

  private void flushWaiting() {
    if (!waiting.isEmpty() && !terminal()) {
      out.println(waiting);
    }
    waiting = "";
  }

  private static String bar(long done, long all) {
    int full = all <= 0 ? 0 : (int) Math.min(BAR, BAR * done / all);
    return "[" + "#".repeat(full) + ".".repeat(BAR - full) + "]";
  }

  private void draw(String bar, String said) {
    // One column less than there are: a full line wraps on some terminals.
    int room = columns - 1;
    String line = bar.length() + 2 + said.length() <= room ? bar + "  " + said : said;
    out.print("\r\u001b[K" + line.substring(0, Math.min(line.length(), room)));
    out.flush();
    drawn = true;
  }

  private void erase() {
    if (drawn) {
      out.print("\r\u001b[K");
      out.flush();
      drawn = false;
    }
  }

  private static void metric(StringBuilder line, String name, Double value) {
    if (value != null) {
      line.append("  ").append(name).append(String.format(Locale.ROOT, " %.4f", value));
    }
  }

  private static String timeLeft(long elapsedNanos, long done, long all) {
    if (done <= 0 || all <= done) {
      return "";
    }
    return "  " + duration(elapsedNanos / 1e9 * (all - done) / done) + " left";
  }

  private String took() {
    long elapsed = nanos.getAsLong() - stageStarted;
    return String.format(
        Locale.ROOT,
        "%,d %s in %s%s",
        total,
        unit,
        elapsed < 10e9
            ? String.format(Locale.ROOT, "%.1f s", elapsed / 1e9)
            : duration(elapsed / 1e9),
        rate(total, elapsed, unit).replaceFirst("^  ", ", "));
  }

  public static String duration(double seconds) {
    long s = Math.round(seconds);
    if (s < 60) {
      return s + " s";
    }
    return s < 3600
        ? String.format(Locale.ROOT, "%d min %02d s", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d h %02d min", s / 3600, s % 3600 / 60);
  }
}
