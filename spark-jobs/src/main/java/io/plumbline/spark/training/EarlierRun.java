package io.plumbline.spark.training;

import io.plumbline.checkpoint.DecidingOptions.Difference;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The run that an output directory holds already. It is resumed only as what it was, and its place
 * is not taken by a call on another model or other data.
 *
 * @param record as its run.json has it
 * @param identity what it is
 * @param progress how far it came
 * @param path of its run.json
 */
record EarlierRun(RunRecord record, RunIdentity identity, Progress progress, String path) {
  /** How far a run came. */
  enum Progress {
    /** It left records and prepared rows: nothing was trained. */
    PREPARED,
    /** It left metrics, training states or a result. */
    TRAINED
  }

  private static final String DATA = "data";

  /** Options whose content is compared, by the names of the fingerprints. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "model",
          "model",
          "critic",
          "critic-model",
          RunTemplates.TEMPLATE,
          RunTemplates.TEMPLATE,
          RunIdentity.TRAINING_DATA,
          "data",
          RunIdentity.TRAINING_ROWS,
          "data",
          "data.ptx",
          "ptx-data");

  /**
   * Why a call cannot have its output directory, in one sentence, as far as can be known before any
   * work; empty where it can, as far as that goes.
   */
  static Optional<String> obstacle(Storage storage, TrainingRequest request) {
    String output = request.files().output();
    // Whatever a call wants there, another must not be writing to it.
    Optional<String> held = OutputClaim.obstacle(storage, output, Start.RESUME);
    if (held.isPresent()) {
      return held;
    }
    try {
      Optional<String> refusal =
          request.saving().start() == Start.OVERWRITE
              ? Optional.empty()
              : in(storage, output).flatMap(run -> run.refusal(storage, request));
      return refusal.isPresent()
          ? refusal
          : OutputClaim.obstacle(storage, output, request.saving().start());
    } catch (PlumblineException e) {
      if (e.code() != ErrorCode.OUTPUT_IN_USE) {
        throw e;
      }
      return Optional.of(e.getMessage());
    }
  }

  /**
   * The run that is in the directory, for who holds it.
   *
   * @throws PlumblineException OUTPUT_IN_USE where its place must not be taken
   */
  static Optional<EarlierRun> accepted(Storage storage, TrainingRequest request) {
    Optional<EarlierRun> earlier = in(storage, request.files().output());
    if (request.saving().start() != Start.OVERWRITE) {
      earlier
          .flatMap(run -> run.refusal(storage, request))
          .ifPresent(
              sentence -> {
                throw new PlumblineException(ErrorCode.OUTPUT_IN_USE, sentence);
              });
    }
    return earlier;
  }

  /**
   * The record of a run that ended by a failure. One that was refused for its model or its data
   * before any row was made keeps no place.
   */
  static RunRecord failed(RunRecord record, Throwable e) {
    String error = e instanceof PlumblineException ? String.valueOf(e.getMessage()) : e.toString();
    if (e instanceof PlumblineException known && known.code() == ErrorCode.INTERRUPTED) {
      return record.interrupted(Instant.now(), error);
    }
    boolean refused =
        e instanceof PlumblineException known
            && known.code().exitStatus() == ErrorCode.BAD_DATA.exitStatus()
            && record.fingerprint(RunIdentity.TRAINING_DATA).isEmpty();
    return refused ? record.refused(Instant.now(), error) : record.failed(Instant.now(), error);
  }

  /** What a request alone says of a run. */
  static RunRecord asked(TrainingRequest request, Storage storage) {
    return here(
        RunRecord.started(request.algorithm().command(), Instant.now())
            .withConfiguration(request.options())
            .withSeed(request.batch().seed()),
        storage);
  }

  /**
   * Why rows must not be made in a directory by a command that trains on none: a run is there that
   * read another table or query, and is resumed with what it read. Files are compared by content.
   */
  static Optional<String> obstacle(Storage storage, TrainingRows.Settings rows) {
    Optional<EarlierRun> earlier = in(storage, rows.output());
    if (earlier.isEmpty()) {
      return Optional.empty();
    }
    RunIdentity then = earlier.get().identity();
    RunIdentity now =
        RunIdentity.of(
            here(
                RunRecord.started(then.command(), Instant.now())
                    .withConfiguration(Map.of(DATA, rows.sources().data())),
                storage));
    return named(then, DATA).equals(named(now, DATA))
            || (areFiles(storage, then) && areFiles(storage, now))
        ? Optional.empty()
        : Optional.of(
            String.format(
                "%s holds a run of %s with --data %s, and this call has --data %s: give another"
                    + " --output.",
                rows.output(), then.command(), named(then, DATA), named(now, DATA)));
  }

  private static RunRecord here(RunRecord record, Storage storage) {
    // Where relative paths of a cluster's file system go from, the cluster says.
    String somewhere = storage.absolute("x");
    return somewhere.startsWith("/")
        ? record.withDirectory(somewhere.substring(0, somewhere.lastIndexOf('/')))
        : record;
  }

  /**
   * The run that is in an output directory; empty where there is none, or one that came to nothing.
   *
   * @throws PlumblineException OUTPUT_IN_USE where there are training states and nothing says of
   *     which run they are
   */
  static Optional<EarlierRun> in(Storage storage, String output) {
    RunDirectory run = new RunDirectory(output);
    Progress progress =
        OutputClaim.holdsTrained(storage, output) ? Progress.TRAINED : Progress.PREPARED;
    boolean states = !TrainingStateStore.of(storage, run.states()).steps().isEmpty();
    if (!storage.exists(run.runRecord())) {
      if (states) {
        throw unknown(
            "%s holds training states, and no %s that says of which run they are"
                .formatted(run.states(), run.runRecord()));
      }
      return Optional.empty();
    }
    RunRecord record;
    try {
      record = RunRecord.read(storage, run.runRecord());
    } catch (PlumblineException e) {
      if (e.code() != ErrorCode.BAD_CHECKPOINT) {
        throw e;
      }
      if (progress == Progress.PREPARED) {
        return Optional.empty();
      }
      throw unknown(
          "%s is damaged, so that nothing says of which run %s holds training states or results"
              .formatted(run.runRecord(), output));
    }
    if (record.command().isEmpty()) {
      if (states) {
        throw unknown(run.runRecord() + " does not say of which command it is");
      }
      return Optional.empty();
    }
    if (record.isRefused() && progress == Progress.PREPARED) {
      return Optional.empty(); // A call with a mistake, which is corrected in the same place.
    }
    return Optional.of(
        new EarlierRun(
            record, RunIdentity.recorded(record, run.runRecord()), progress, run.runRecord()));
  }

  private static PlumblineException unknown(String sentence) {
    return new PlumblineException(
        ErrorCode.OUTPUT_IN_USE,
        sentence
            + ": bring that file back, give another --output, or replace what is there by"
            + " --overwrite.");
  }

  private Optional<String> refusal(Storage storage, TrainingRequest request) {
    RunIdentity now = RunIdentity.of(asked(request, storage));
    boolean resumed = request.saving().start() == Start.RESUME;
    String output = request.files().output();
    if (!identity.command().equals(now.command())) {
      return Optional.of(
          resumed
              ? String.format(
                  "%s holds a run of %s, which %s cannot continue with: give another --output.",
                  output, identity.command(), now.command())
              : String.format(
                  "%s holds a run of %s and this is %s: give another --output, or replace that run by"
                      + " --overwrite.",
                  output, identity.command(), now.command()));
    }
    List<String> differences = new ArrayList<>();
    if (progress == Progress.TRAINED) {
      identity.options().differences(now.options()).stream()
          .map(Difference::words)
          .forEach(differences::add);
    }
    List<String> read =
        progress == Progress.TRAINED
            ? List.of("model", DATA, RunTemplates.TEMPLATE)
            : List.of("model", DATA);
    for (String option : read) {
      if (isOther(option, now) && !canBeCompared(option, storage, now, resumed)) {
        differences.add(
            "--%s (%s there, %s now)"
                .formatted(option, named(identity, option), named(now, option)));
      }
    }
    if (differences.isEmpty()) {
      return resumed && progress == Progress.TRAINED && !identity.saysWhatWasRead()
          ? Optional.of(
              path
                  + " is of an older format, which does not say what the run was trained on, so that"
                  + " --resume cannot continue with it: give another --output, or replace that run by"
                  + " --overwrite.")
          : Optional.empty();
    }
    String other = String.join(", ", differences);
    return Optional.of(
        resumed
            ? String.format(
                "%s holds a run with another %s, which --resume cannot continue with: give the options"
                    + " that it was started with, or another --output.",
                output, other)
            : String.format(
                "%s holds another run, with another %s: replace it by --overwrite, or give another"
                    + " --output.",
                output, other));
  }

  private boolean isOther(String option, RunIdentity now) {
    return !named(identity, option).equals(named(now, option));
  }

  private static String named(RunIdentity identity, String option) {
    List<String> texts = identity.inputs().getOrDefault(option, List.of());
    return texts.isEmpty() ? "not given" : String.join(" and ", texts);
  }

  /**
   * Whether a model or data of another name may turn out to be the same. Reading a table anew would
   * take the place of the snapshot that the earlier run resumes with.
   */
  private boolean canBeCompared(String option, Storage storage, RunIdentity now, boolean resumed) {
    if (!resumed && progress == Progress.TRAINED) {
      return false;
    }
    if (option.equals("model")) {
      return identity.contents().containsKey("model");
    }
    if (option.equals(RunTemplates.TEMPLATE)) {
      return identity.contents().containsKey(option) && now.inputs().containsKey(option);
    }
    return identity.contents().containsKey(RunIdentity.TRAINING_DATA)
        && areFiles(storage, identity)
        && areFiles(storage, now);
  }

  private static boolean areFiles(Storage storage, RunIdentity identity) {
    return identity.inputs().getOrDefault(DATA, List.of()).stream()
        .allMatch(source -> SparkSources.kind(storage, source) == SparkSources.Kind.FILES);
  }

  /** What must be as it was for this call, of what the run read. */
  SortedMap<String, String> held(RunIdentity now) {
    SortedMap<String, String> held = new TreeMap<>(identity.contents());
    if (progress == Progress.PREPARED) {
      // Nothing was made of it. What has the same name may have been repaired.
      held.keySet()
          .removeIf(
              name ->
                  !(name.equals("model") || name.equals(RunIdentity.TRAINING_DATA))
                      || !isOther(OPTIONS.get(name), now));
    }
    return held;
  }

  /** The sentence for something that is not what it was. */
  String refusalOf(String name, RunIdentity now, Start start) {
    return String.format(
        "%s holds a run that %s: %s. Give what the run was started with, or another --output.",
        path.substring(0, path.lastIndexOf('/')),
        start == Start.RESUME ? "--resume cannot continue with" : "this call is not",
        changed(name, now));
  }

  private String changed(String name, RunIdentity now) {
    String option = OPTIONS.get(name);
    if (option == null) {
      return "the model that --%s reads has another content"
          .formatted(name.replaceFirst("\\.", " "));
    }
    String what = name.startsWith("data") ? "other rows" : "another content";
    if (isOther(option, now)) {
      return "--%s was %s and is %s, which has %s"
          .formatted(option, named(identity, option), named(now, option), what);
    }
    SortedMap<String, String> before = identity.files().getOrDefault(option, new TreeMap<>());
    String changes =
        before.isEmpty()
            ? ""
            : InputFiles.changes(before, now.files().getOrDefault(option, new TreeMap<>()));
    if (!changes.isEmpty()) {
      return "--%s %s has %s than it had: %s".formatted(option, named(now, option), what, changes);
    }
    return "--%s %s has %s than it had%s"
        .formatted(
            option,
            named(now, option),
            what,
            option.equals("data") || option.equals("ptx-data")
                ? ", or this version of Plumbline makes other rows of it"
                : "");
  }
}
