package io.plumbline.spark.training;

import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.spark.gang.Journal;
import io.plumbline.spark.progress.ProgressListener;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/** Tells of the attempts of a run, in its progress and in run.json; progress is a newer state. */
final class RunJournal implements Journal {
  private static final long NOTHING = -1;

  private final TrainingStateStore states;
  private final RunRecording recording;
  private final ProgressListener progress;

  RunJournal(TrainingStateStore states, RunRecording recording, ProgressListener progress) {
    this.states = states;
    this.recording = recording;
    this.progress = progress;
  }

  @Override
  public long kept() {
    List<Long> steps = states.steps();
    return steps.isEmpty() ? NOTHING : steps.get(steps.size() - 1);
  }

  @Override
  public boolean isUnfinished(String result) {
    return TrainingTask.outcome(result).isInterrupted();
  }

  @Override
  public void startsAgain(Restart restart) {
    progress.note(
        String.format(
            Locale.ROOT,
            "Attempt %d: %d ranks start from %s. %s",
            restart.attempt(),
            restart.ranks(),
            restart.kept() == NOTHING
                ? "the start"
                : String.format(Locale.ROOT, "step %,d", restart.kept()),
            restart.cause()));
    recording.addAndWrite(
        known ->
            known.withRestart(
                restart.attempt(),
                restart.ranks(),
                Math.max(0, restart.kept()),
                Instant.now(),
                restart.cause()));
  }

  @Override
  public void note(String sentence) {
    progress.note(sentence);
  }
}
