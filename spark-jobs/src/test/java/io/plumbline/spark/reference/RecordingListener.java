package io.plumbline.spark.reference;

import io.plumbline.spark.progress.ProgressListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Remembers what it heard. */
public final class RecordingListener implements ProgressListener {
  final List<String> stages = new ArrayList<>();
  final List<Long> advances = new ArrayList<>();
  final List<String> notes = new ArrayList<>();

  @Override
  public synchronized void stageStarted(String stage, long total, String unit) {
    stages.add(stage + " " + total + " " + unit);
  }

  @Override
  public synchronized void stageAdvanced(String stage, long done) {
    advances.add(done);
  }

  @Override
  public synchronized void stageFinished(String stage, String summary) {
    stages.add(stage + " " + summary);
  }

  @Override
  public void step(long step, long totalSteps, Map<String, Double> metrics) {
    throw new AssertionError("a fill has no training steps");
  }

  @Override
  public synchronized void note(String line) {
    notes.add(line);
  }
}
