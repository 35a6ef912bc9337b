package io.plumbline.spark.training;

import io.plumbline.spark.progress.ProgressListener;
import java.util.Map;

/** Hears everything and says nothing. */
class Quiet implements ProgressListener {
  @Override
  public void stageStarted(String stage, long total, String unit) {}

  @Override
  public void stageAdvanced(String stage, long done) {}

  @Override
  public void stageFinished(String stage, String summary) {}

  @Override
  public void step(long step, long totalSteps, Map<String, Double> metrics) {}

  @Override
  public void note(String line) {}
}
