package io.plumbline.spark.cli.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.pipeline.PipelineRecord.Status;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a call does with each stage, decided by the record of earlier calls before any work. */
public record PipelinePlan(List<Step> steps, Set<String> redone) {
  /** What is done with a stage. */
  enum Action {
    /** It is complete and nothing that it depends on has changed. */
    SKIP("done"),
    START("to do"),
    /** It was stopped midway. */
    RESUME("begun, resumes"),
    /** What it left is deleted first. */
    START_AGAIN("to do again"),
    /** Something has changed, and nobody said that it may be done again. */
    REFUSE("changed"),
    /** The call is not about it. */
    LEAVE("left out");

    private final String words;

    Action(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  /**
   * @param why what has changed, for {@link Action#REFUSE} and {@link Action#START_AGAIN}; may be
   *     empty
   */
  record Step(PipelineStage stage, Action action, String why) {}

  /**
   * What a call is about.
   *
   * @param redo stages to be done again, with all that use them
   * @param only nothing but these; all where empty
   * @param until the last stage; the file's last where absent
   */
  public record Selection(Set<String> redo, Set<String> only, Optional<String> until) {}

  public PipelinePlan {
    steps = List.copyOf(steps);
    redone = Set.copyOf(redone);
  }

  static PipelinePlan of(
      Pipeline pipeline, PipelineRecord record, Selection selection, Storage storage) {
    Set<String> again = new LinkedHashSet<>(selection.redo());
    record.stages().stream()
        .filter(stage -> stage.status() == Status.OUTDATED)
        .forEach(stage -> again.add(stage.name()));
    Set<String> redone = pipeline.withDependents(again);
    List<Step> steps = new ArrayList<>();
    boolean past = false;
    for (PipelineStage stage : pipeline.stages()) {
      boolean left =
          past || !(selection.only().isEmpty() || selection.only().contains(stage.name()));
      past |= selection.until().filter(stage.name()::equals).isPresent();
      steps.add(step(stage, record, redone, left, storage));
    }
    return new PipelinePlan(steps, redone);
  }

  private static Step step(
      PipelineStage stage,
      PipelineRecord record,
      Set<String> redone,
      boolean left,
      Storage storage) {
    Optional<PipelineRecord.Stage> before = record.stage(stage.name());
    if (left) {
      return new Step(stage, Action.LEAVE, "");
    }
    if (before.isEmpty()) {
      return new Step(stage, Action.START, "");
    }
    if (redone.contains(stage.name())) {
      return new Step(stage, Action.START_AGAIN, "");
    }
    String changed = changes(stage, before.get(), record, storage);
    if (before.get().isComplete()) {
      if (changed.isEmpty() && !isThere(stage, storage)) {
        changed = "what it left in " + stage.output() + " is gone";
      }
      return changed.isEmpty()
          ? new Step(stage, Action.SKIP, "")
          : new Step(stage, Action.REFUSE, changed);
    }
    if (changed.isEmpty()) {
      return new Step(stage, Action.RESUME, "");
    }
    // Before the first training state there is nothing of worth that could be lost.
    boolean worth =
        stage.parts().remains() == StageParts.Remains.RESUMED
            && !TrainingStateStore.of(storage, new RunDirectory(stage.output()).states())
                .steps()
                .isEmpty();
    return new Step(stage, worth ? Action.REFUSE : Action.START_AGAIN, changed);
  }

  private static boolean isThere(PipelineStage stage, Storage storage) {
    String result = stage.writesItself() ? stage.parts().result() : stage.standardOutput();
    return StageParts.isThere(storage, stage.output(), result);
  }

  /** What differs from what a stage was begun with, as a part of a sentence; empty for nothing. */
  private static String changes(
      PipelineStage stage, PipelineRecord.Stage before, PipelineRecord record, Storage storage) {
    List<String> changes = new ArrayList<>();
    if (!before.command().equals(stage.command().name())) {
      return String.format(
          "its command was %s and is now %s", before.command(), stage.command().name());
    }
    if (!before.output().equals(stage.output())) {
      changes.add(
          String.format("its output was %s and is now %s", before.output(), stage.output()));
    }
    if (!before.optionsFingerprint().equals(optionsFingerprint(stage))) {
      ObjectNode now = PipelineRecord.masked(stage.deciding());
      Set<String> names = new TreeSet<>();
      before.options().fieldNames().forEachRemaining(names::add);
      now.fieldNames().forEachRemaining(names::add);
      int told = changes.size();
      for (String name : names) {
        JsonNode was = before.options().get(name);
        JsonNode is = now.get(name);
        if (!Objects.equals(was, is)) {
          changes.add(String.format("%s %s", name, change(was, is)));
        }
      }
      if (changes.size() == told) {
        changes.add("an option that is not shown, for it may hold a secret, has another value");
      }
    }
    if (changes.isEmpty()) {
      Map<String, String> now = new TreeMap<>(inputs(stage, record, storage));
      now.forEach(
          (path, fingerprint) -> {
            // Data may be tidied away once a stage has read it.
            if (!fingerprint.isEmpty() && !fingerprint.equals(before.inputs().get(path))) {
              changes.add(
                  path.startsWith("${")
                      ? "the stage " + path.substring(2, path.length() - 1) + " was done again"
                      : path + " has another content");
            }
          });
    }
    return String.join(", ", changes);
  }

  private static String change(JsonNode was, JsonNode is) {
    if (was == null) {
      return "was not set and is now " + text(is);
    }
    return "was " + text(was) + " and is now " + (is == null ? "not set" : text(is));
  }

  private static String text(JsonNode value) {
    return value.isTextual() ? value.asText() : value.toString();
  }

  public static String optionsFingerprint(PipelineStage stage) {
    Fingerprint fingerprint = Fingerprint.of("plumbline.pipeline.options.1");
    stage
        .deciding()
        .forEach(
            (option, texts) -> {
              fingerprint.text("option", option).number("texts", texts.size());
              texts.forEach(text -> fingerprint.text("text", text));
            });
    return fingerprint.hex();
  }

  /**
   * Fingerprints of all that a stage reads, as the record and the files are now; a file that is not
   * there has an empty one.
   */
  static Map<String, String> inputs(PipelineStage stage, PipelineRecord record, Storage storage) {
    Map<String, String> inputs = new TreeMap<>(StageInputs.fingerprints(stage, storage));
    for (String used : stage.uses()) {
      inputs.put(
          "${" + used + "}", record.stage(used).map(PipelineRecord.Stage::identity).orElse(""));
    }
    return inputs;
  }

  /** Adds what speaks against the plan: changes that nobody allowed, inputs that are not there. */
  void check(Pipeline pipeline, PipelineRecord record, Storage storage, Problems problems) {
    Set<String> running = new TreeSet<>();
    for (Step step : steps) {
      PipelineStage stage = step.stage();
      switch (step.action()) {
        case LEAVE, SKIP -> {}
        case REFUSE -> problems.add(refusal(pipeline, step, record));
        case START, RESUME, START_AGAIN -> {
          running.add(stage.name());
          StageInputs.requireAll(stage, storage, problems);
          StageModels.requireAll(stage, storage, problems);
          for (String used : new TreeSet<>(stage.uses())) {
            boolean complete =
                record.stage(used).filter(PipelineRecord.Stage::isComplete).isPresent()
                    && !redone.contains(used);
            if (!complete && !running.contains(used) && actionOf(used) == Action.LEAVE) {
              problems.add(
                  String.format(
                      "Stage %s uses %s, which is not done and not part of this call: add --only"
                          + " %s, or leave --only out.",
                      stage.name(), used, used));
            }
          }
          if (step.action() == Action.START
              && stage.parts().remains() != StageParts.Remains.FOUND
              && isTaken(stage, pipeline, storage)) {
            problems.add(
                String.format(
                    "Stage %s would write to %s, which holds something that this pipeline did not"
                        + " write: delete it, or give the stage another output.",
                    stage.name(), stage.output()));
          }
        }
      }
    }
  }

  private Action actionOf(String name) {
    return steps.stream()
        .filter(step -> step.stage().name().equals(name))
        .map(Step::action)
        .findFirst()
        .orElse(Action.LEAVE);
  }

  /**
   * Whether there is something where a stage begins; what prepare shares with it does not count.
   */
  private static boolean isTaken(PipelineStage stage, Pipeline pipeline, Storage storage) {
    if (!storage.exists(stage.output())) {
      return false;
    }
    boolean shared =
        pipeline.stages().stream()
            .anyMatch(
                other ->
                    !other.name().equals(stage.name()) && other.output().equals(stage.output()));
    return !shared
        && (!storage.isDirectory(stage.output()) || !storage.list(stage.output()).isEmpty());
  }

  private static String refusal(Pipeline pipeline, Step step, PipelineRecord record) {
    PipelineStage stage = step.stage();
    boolean complete =
        record.stage(stage.name()).filter(PipelineRecord.Stage::isComplete).isPresent();
    Set<String> others = new LinkedHashSet<>(pipeline.withDependents(Set.of(stage.name())));
    others.remove(stage.name());
    others.removeIf(name -> record.stage(name).isEmpty());
    return String.format(
        "Stage %s was %s, but %s: put that back, do it again by --redo %s%s, or give another"
            + " --output.",
        stage.name(),
        complete ? "done" : "begun",
        step.why(),
        stage.name(),
        others.isEmpty() ? "" : " (and with it " + String.join(", ", others) + ")");
  }
}
