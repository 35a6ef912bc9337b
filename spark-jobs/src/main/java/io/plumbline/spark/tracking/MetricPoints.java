package io.plumbline.spark.tracking;

import java.util.Map;

/**
 * One line of metrics.jsonl on its way to a server.
 *
 * @param millis when it was heard, in milliseconds since 1970; a server tells what it has twice
 *     from what is new by it, so that it must not change when the line is sent again
 */
record MetricPoints(long step, long millis, Map<String, Double> values) {
  /** The key of a line that says its step, and is no metric itself. */
  static final String STEP = "step";

  static MetricPoints of(Map<String, Double> line, long millis) {
    return new MetricPoints(line.get(STEP).longValue(), millis, line);
  }
}
