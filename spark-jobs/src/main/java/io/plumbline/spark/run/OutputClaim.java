package io.plumbline.spark.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Json;
import io.plumbline.base.ProcessSpace;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to write to an output directory, held by one run at a time.
 *
 * <p>A lock file in the directory, made by exclusive creation, says who holds it. A lock whose
 * process ran on this machine and is gone is taken over at once. Whether a process elsewhere still
 * runs cannot be seen from here: its {@link Lease} tells, and a lock without a sign of life for the
 * length of a lease is taken over too. A lock of a version without leases is respected until
 * somebody deletes it.
 */
public final class OutputClaim implements AutoCloseable {
  /** The lock file's name in an output directory. */
  public static final String LOCK = ".plumbline-lock.json";

  private static final Logger LOG = LoggerFactory.getLogger(OutputClaim.class);

  static final String RUN_RECORD = "run.json";

  /** What a run that failed leaves that nothing was made of. */
  private static final Set<String> OF_FAILED_RUN = Set.of(RUN_RECORD, "tracking.json");

  /** What is there before the first step. It is found by content, so it does not hinder a run. */
  private static final Set<String> BEFORE_TRAINING =
      Set.of(
          "sources",
          "prepared",
          "quarantine",
          "shards",
          "shards-train",
          "shards-eval",
          "shards-ptx",
          "reference",
          "reference-cache");

  /** Tokens of the claims that this process holds now: its own id says nothing about them. */
  private static final Set<String> HELD = ConcurrentHashMap.newKeySet();

  /**
   * @param machine within which the process id means something; empty in locks of versions without
   *     leases
   */
  private record Holder(String token, String host, String machine, long pid, String since) {
    boolean isHere() {
      return machine.isEmpty()
          ? host.equals(ProcessSpace.host())
          : machine.equals(ProcessSpace.here());
    }

    boolean isElsewhereWithLease() {
      return !isHere() && !machine.isEmpty();
    }

    String words() {
      return "Process %d on %s".formatted(pid, host);
    }
  }

  private final Storage storage;
  private final String output;
  private final String lockFile;
  private final String token;
  private final Lease lease;

  private OutputClaim(Storage storage, String output, String token, Lease lease) {
    this.storage = storage;
    this.output = output;
    this.lockFile = Storage.join(output, LOCK);
    this.token = token;
    this.lease = lease;
  }

  /** What tells, in any process, whether this claim still stands. */
  public HeldOutput held() {
    return new HeldOutput(storage, output, token);
  }

  static boolean isHeldBy(Storage storage, String output, String token) {
    return holder(storage, output).filter(holder -> holder.token().equals(token)).isPresent();
  }

  /**
   * Takes an output directory for a run. {@link Start#FRESH} wants it empty, {@link
   * Start#OVERWRITE} empties it, {@link Start#RESUME} leaves it as it is.
   *
   * @throws PlumblineException OUTPUT_IN_USE where another run holds it or is in it
   */
  public static OutputClaim take(Storage storage, String output, Start start) {
    return take(storage, output, start, LOG::info);
  }

  /**
   * Takes an output directory for a run; where a process elsewhere holds it, that is watched for a
   * sign of life first.
   *
   * @param notes told what is waited for
   */
  public static OutputClaim take(
      Storage storage, String output, Start start, Consumer<String> notes) {
    return take(storage, output, start, Lease.Terms.STANDARD, notes);
  }

  static OutputClaim take(
      Storage storage, String output, Start start, Lease.Terms terms, Consumer<String> notes) {
    Optional<Holder> before = holder(storage, output);
    Optional<Holder> watched = Optional.empty();
    // While one is watched another may take its place, and is watched then.
    while (before.isPresent() && before.get().isElsewhereWithLease() && !before.equals(watched)) {
      Holder other = before.get();
      if (Lease.isRenewed(
          storage, Storage.join(output, LOCK), other.token(), other.words(), terms, notes)) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE,
            "%s has been writing to %s since %s: wait for it or end it, or give this run its own --output."
                .formatted(other.words(), output, other.since()));
      }
      watched = before;
      before = holder(storage, output);
    }
    Optional<String> obstacle = obstacle(storage, output, start, before);
    if (obstacle.isPresent()) {
      throw new PlumblineException(ErrorCode.OUTPUT_IN_USE, obstacle.get());
    }
    String token = UUID.randomUUID().toString();
    if (before.isPresent()) {
      return takeOver(storage, output, start, before.get(), token, terms);
    }
    return take(storage, output, start, token, terms);
  }

  /**
   * Takes the place of a holder that is gone. Of several that found it gone, the one that makes the
   * heir file of its lock may delete that lock, and only if it is still the one that was found.
   */
  private static OutputClaim takeOver(
      Storage storage, String output, Start start, Holder gone, String token, Lease.Terms terms) {
    String lockFile = Storage.join(output, LOCK);
    String heir = lockFile + "." + gone.token();
    HELD.add(token);
    try {
      if (!storage.createExclusively(heir, lock(token))
          && !(isLeftBehind(storage, heir, terms)
              && storage.createExclusively(heir, lock(token)))) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE,
            String.format(
                "Another run is taking %s over: give this one its own --output, or delete %s if no"
                    + " run is under way.",
                output, heir));
      }
      try {
        Optional<Holder> now = read(storage, lockFile);
        if (now.isPresent() && now.get().token().equals(gone.token())) {
          storage.delete(lockFile);
          Lease.forget(storage, lockFile, gone.token());
        }
        return take(storage, output, start, token, terms);
      } finally {
        storage.delete(heir);
      }
    } catch (RuntimeException e) {
      HELD.remove(token);
      throw e;
    }
  }

  /** Whether who began to take a lock over is gone; deletes the file by which it did so then. */
  private static boolean isLeftBehind(Storage storage, String heir, Lease.Terms terms) {
    Optional<Holder> taking = read(storage, heir);
    if (taking.isEmpty()) {
      return true;
    }
    // It takes a moment, so a file that stays for a lease has nobody any more.
    boolean gone =
        taking.get().isHere()
            ? !mayBeAlive(taking.get())
            : Lease.staysFor(storage, heir, terms.duration());
    if (gone) {
      storage.delete(heir);
    }
    return gone;
  }

  private static String lock(String token) {
    return Json.MAPPER
        .createObjectNode()
        .put("token", token)
        .put("host", ProcessSpace.host())
        .put("machine", ProcessSpace.here())
        .put("pid", ProcessHandle.current().pid())
        .put("since", Instant.now().toString())
        .toPrettyString();
  }

  private static OutputClaim take(
      Storage storage, String output, Start start, String token, Lease.Terms terms) {
    String lockFile = Storage.join(output, LOCK);
    HELD.add(token);
    boolean made = false;
    try {
      made = storage.createExclusively(lockFile, lock(token));
    } finally {
      if (!made) {
        HELD.remove(token);
      }
    }
    if (!made) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "Another run took " + output + " at the same moment: give this one its own --output.");
    }
    OutputClaim claim =
        new OutputClaim(storage, output, token, Lease.begin(storage, lockFile, token, terms));
    try {
      if (start == Start.OVERWRITE) {
        contents(storage, output).forEach(entry -> storage.delete(entry.path()));
      }
      return claim;
    } catch (RuntimeException e) {
      claim.close();
      throw e;
    }
  }

  /** Why a run cannot have an output directory, in one sentence; empty where it can. */
  public static Optional<String> obstacle(Storage storage, String output, Start start) {
    return obstacle(storage, output, start, holder(storage, output));
  }

  private static Optional<String> obstacle(
      Storage storage, String output, Start start, Optional<Holder> holder) {
    if (storage.exists(output) && !storage.isDirectory(output)) {
      return Optional.of("--output names " + output + ", which is a file: name a directory.");
    }
    if (holder.isPresent() && mayBeAlive(holder.get())) {
      Holder other = holder.get();
      return Optional.of(
          other.isHere()
              ? String.format(
                  "The run of process %d has been writing to %s since %s: wait for it or end it,"
                      + " or give this run its own --output.",
                  other.pid(), output, other.since())
              : String.format(
                  "%s holds %s since %s: give this run its own --output, or delete"
                      + " %s if that process is gone.",
                  other.words(), output, other.since(), Storage.join(output, LOCK)));
    }
    List<Storage.Entry> contents = contents(storage, output);
    if (start == Start.FRESH && !contents.stream().allMatch(OutputClaim::isBeforeTraining)) {
      boolean run = storage.exists(Storage.join(output, RUN_RECORD));
      return Optional.of(
          run
              ? String.format(
                  "%s holds another run: continue with it by --resume, replace it by --overwrite, or"
                      + " give another --output.",
                  output)
              : String.format(
                  "%s is not empty (%s): give another --output, continue with an unfinished run by"
                      + " --resume, or delete what is there by --overwrite.",
                  output, firstOther(contents)));
    }
    if (start == Start.OVERWRITE && !contents.isEmpty() && !looksLikeRun(contents)) {
      return Optional.of(
          String.format(
              "%s holds %s and nothing that a run writes, so --overwrite does not delete it: give"
                  + " another --output.",
              output, contents.get(0).name()));
    }
    return Optional.empty();
  }

  /** Whether a directory holds more than what is there before a run's first step. */
  public static boolean holdsTrained(Storage storage, String output) {
    return !contents(storage, output).stream().allMatch(OutputClaim::isBeforeTraining);
  }

  /** Gives the directory free. */
  @Override
  public void close() {
    HELD.remove(token);
    if (isHeldBy(storage, output, token)) {
      storage.delete(lockFile);
    }
    lease.close();
  }

  /** What prepare and reference write is found by content: another run may use it. */
  private static boolean isBeforeTraining(Storage.Entry entry) {
    String name = entry.name();
    // A run that failed before the first step leaves its records, and nothing of worth.
    return BEFORE_TRAINING.contains(name) || OF_FAILED_RUN.contains(name);
  }

  private static String firstOther(List<Storage.Entry> contents) {
    return contents.stream()
        .filter(entry -> !isBeforeTraining(entry))
        .map(Storage.Entry::name)
        .findFirst()
        .orElseThrow();
  }

  private static boolean looksLikeRun(List<Storage.Entry> contents) {
    Set<String> written = Set.of(RUN_RECORD, "metrics.jsonl", "checkpoint", "checkpoints");
    return contents.stream()
        .anyMatch(entry -> written.contains(entry.name()) || isBeforeTraining(entry));
  }

  private static List<Storage.Entry> contents(Storage storage, String output) {
    return storage.list(output).stream().filter(entry -> !entry.name().startsWith(LOCK)).toList();
  }

  private static Optional<Holder> holder(Storage storage, String output) {
    return read(storage, Storage.join(output, LOCK));
  }

  private static Optional<Holder> read(Storage storage, String lockFile) {
    if (!storage.exists(lockFile)) {
      return Optional.empty();
    }
    String text = storage.readText(lockFile);
    try {
      JsonNode lock = Json.MAPPER.readTree(text);
      return Optional.of(
          new Holder(
              lock.path("token").asText(),
              lock.path("host").asText("an unknown host"),
              lock.path("machine").asText(""),
              lock.path("pid").asLong(-1),
              lock.path("since").asText("an unknown time")));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          lockFile + " is not a lock that Plumbline wrote: delete it if no run is under way.",
          e);
    }
  }

  private static boolean mayBeAlive(Holder holder) {
    if (!holder.isHere()) {
      // One with a lease has been watched by take(), or will be.
      return !holder.isElsewhereWithLease();
    }
    if (holder.pid() == ProcessHandle.current().pid()) {
      return HELD.contains(holder.token());
    }
    Optional<Instant> started =
        ProcessHandle.of(holder.pid())
            .filter(ProcessHandle::isAlive)
            .map(process -> process.info().startInstant().orElse(Instant.EPOCH));
    // A process that began after the lock was made got the same id by chance.
    return started.isPresent() && !started.get().isAfter(instant(holder.since()));
  }

  private static Instant instant(String text) {
    try {
      return Instant.parse(text);
    } catch (java.time.format.DateTimeParseException e) {
      // A time that cannot be read cannot show that the process is another one.
      return Instant.MAX;
    }
  }
}
