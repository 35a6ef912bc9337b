package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Floats;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.SeekableInput;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Training state that a run can continue from: a directory a step below one directory, such as
 * {@code OUTPUT/checkpoints/step-00000020/}.
 *
 * <p>An attempt to write a step has a subdirectory of its own, and the step is complete only with
 * its last file, {@code _COMPLETE}, which names the attempt and its files with lengths and SHA-256.
 * So what a dead writer left is never mixed with what a later one writes, and nothing relies on
 * rename. Values are safetensors files with one f32 tensor each; every bit comes back.
 */
public final class TrainingStateStore {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingStateStore.class);

  static final Pattern STEP = Pattern.compile("step-(\\d{8,18})");
  private static final String DAMAGED = "_DAMAGED";
  private static final int CHUNK_BYTES = 1 << 20;

  private final Storage storage;
  private final String directory;

  private TrainingStateStore(Storage storage, String directory) {
    this.storage = storage;
    this.directory = directory;
  }

  /** The store below a directory, which need not be there yet. */
  public static TrainingStateStore of(Storage storage, String directory) {
    return new TrainingStateStore(storage, directory);
  }

  private String stepPath(long step) {
    return Storage.join(directory, String.format(Locale.ROOT, "step-%08d", step));
  }

  /** Starts to write the state after {@code step} updates. */
  public Writer begin(long step) {
    if (step < 0) {
      throw new IllegalArgumentException("step " + step);
    }
    return new Writer(step);
  }

  /** The steps that are complete, in order. */
  public List<Long> steps() {
    List<Long> complete = new ArrayList<>();
    for (long step : allSteps()) {
      if (storage.exists(Storage.join(stepPath(step), StateMarker.FILE))) {
        complete.add(step);
      }
    }
    return complete;
  }

  private List<Long> allSteps() {
    List<Long> steps = new ArrayList<>();
    for (Storage.Entry entry : storage.list(directory)) {
      Matcher name = STEP.matcher(entry.name());
      if (entry.directory() && name.matches()) {
        steps.add(Long.parseLong(name.group(1)));
      }
    }
    Collections.sort(steps);
    return steps;
  }

  /**
   * The newest complete state. Half-written ones are passed over; a complete one that lost or
   * changed a file since is an error, BAD_CHECKPOINT.
   */
  public Optional<Snapshot> newest() {
    List<Long> steps = allSteps();
    Collections.reverse(steps);
    for (long step : steps) {
      Optional<Snapshot> snapshot = snapshot(step);
      if (snapshot.isPresent()) {
        return snapshot;
      }
      LOG.warn("Passing over {}: it was not written to its end", stepPath(step));
    }
    return Optional.empty();
  }

  /** The state of one step; fails with BAD_CHECKPOINT where it is not there or not complete. */
  public Snapshot at(long step) {
    return snapshot(step)
        .orElseThrow(
            () ->
                new PlumblineException(
                    ErrorCode.BAD_CHECKPOINT,
                    "There is no complete training state "
                        + stepPath(step)
                        + "; resume from one of the steps "
                        + steps()
                        + "."));
  }

  private Optional<Snapshot> snapshot(long step) {
    String marker = Storage.join(stepPath(step), StateMarker.FILE);
    if (!storage.exists(marker)) {
      return Optional.empty();
    }
    StateMarker read;
    try {
      read = StateMarker.parse(step, PythonJson.read(storage, marker));
    } catch (PlumblineException e) {
      if (e.code() != ErrorCode.BAD_CHECKPOINT) {
        throw e;
      }
      throw damaged(step, "its marker is not what was written (" + e.getMessage() + ")", e);
    }
    if (!read.namesPlainFiles()) {
      throw damaged(step, "its marker names files that no writer makes", null);
    }
    Snapshot snapshot =
        new Snapshot(step, Storage.join(stepPath(step), read.attempt()), read.files());
    snapshot.checkLengths();
    return Optional.of(snapshot);
  }

  private PlumblineException damaged(long step, String what, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        "The training state "
            + stepPath(step)
            + " is damaged: "
            + what
            + "; delete that directory to resume from the state before it.",
        new Damage(what, cause));
  }

  /** Why a state that was complete cannot be read any more: the cause of what is thrown then. */
  private static final class Damage extends Exception {
    private static final long serialVersionUID = 1L;

    Damage(String what, Throwable cause) {
      super(what, cause);
    }
  }

  /**
   * What is wrong with the files of a state, where that is why a call failed; empty where it failed
   * for another reason, which an older state would have too.
   */
  public static Optional<String> damage(PlumblineException failure) {
    return failure.getCause() instanceof Damage damage
        ? Optional.of(damage.getMessage())
        : Optional.empty();
  }

  /**
   * Takes a damaged state out of those that are complete: its marker goes, and a file says what is
   * wrong with it. Its other files stay until newer states are kept in its place.
   */
  public void setAside(long step, String damage) {
    storage.writeText(Storage.join(stepPath(step), DAMAGED), damage + "\n");
    storage.delete(Storage.join(stepPath(step), StateMarker.FILE));
  }

  /**
   * Deletes all but the newest {@code keep} complete states and those of {@code others}, and what
   * dead writers left before them. A state's marker goes first, so that no reader takes the rest
   * for complete.
   */
  public void retain(int keep, Set<Long> others) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep);
    }
    List<Long> complete = steps();
    if (complete.isEmpty()) {
      return;
    }
    Set<Long> kept =
        new TreeSet<>(complete.subList(Math.max(0, complete.size() - keep), complete.size()));
    kept.addAll(others);
    long newest = complete.get(complete.size() - 1);
    for (long step : allSteps()) {
      if (step < newest && !kept.contains(step)) {
        storage.delete(Storage.join(stepPath(step), StateMarker.FILE));
        storage.delete(stepPath(step));
      }
    }
  }

  /** Writes one state. Not thread-safe. Closed without a commit, it leaves nothing behind. */
  public final class Writer implements AutoCloseable {
    private final long step;
    private final String attempt = "attempt-" + UUID.randomUUID();
    private final String path;
    private final Map<String, StateMarker.Entry> files = new TreeMap<>();

    /** Whether there was a state of this step before, which this one is to replace. */
    private final boolean replacing;

    private boolean committed;
    private boolean closed;

    private Writer(long step) {
      this.step = step;
      this.path = Storage.join(stepPath(step), attempt);
      this.replacing = storage.exists(marker());
    }

    private String marker() {
      return Storage.join(stepPath(step), StateMarker.FILE);
    }

    /** Writes values under a name, as one tensor whatever pieces they are in. */
    public void values(String name, Floats values) {
      TensorSource tensor = TensorSource.inPieces(name, new long[] {values.length()}, () -> values);
      write(
          name,
          ".safetensors",
          (output, file) -> SafetensorsWriter.write(output, file, List.of(tensor), Dtype.F32));
    }

    /** Writes a JSON object under a name. */
    public void json(String name, ObjectNode content) {
      byte[] bytes = PythonJson.pretty(content).getBytes(java.nio.charset.StandardCharsets.UTF_8);
      write(name, ".json", (output, file) -> output.write(bytes));
    }

    private void write(String name, String ending, Content content) {
      if (closed) {
        throw new IllegalStateException("the writer of step " + step + " is closed");
      }
      String file = StateMarker.fileName(name, ending);
      if (files.containsKey(file)) {
        throw new IllegalArgumentException(name + " is written twice");
      }
      String at = Storage.join(path, file);
      try (HashingOutput output = new HashingOutput(storage.create(at))) {
        content.writeTo(output, at);
        output.flush();
        files.put(file, new StateMarker.Entry(name, file, output.length(), output.sha256()));
      } catch (IOException e) {
        throw new PlumblineException(
            ErrorCode.STORAGE_FAILED, "Could not write " + at + "; check the free space.", e);
      }
    }

    /**
     * Makes the state visible, in place of one that was there when writing began. Of two attempts
     * that write the same step at the same time the first to commit wins; the other, which holds
     * the same, gives way.
     */
    public void commit() {
      if (closed) {
        throw new IllegalStateException("the writer of step " + step + " is closed");
      }
      if (!replacing && storage.exists(marker()) && isWhole()) {
        // Another attempt has written the same meanwhile, and cleaned up here.
        close();
        return;
      }
      // Had another attempt cleaned up here meanwhile, the marker would promise what is not there.
      new Snapshot(step, path, files).checkLengths();
      String text = new StateMarker(step, attempt, files).text();
      boolean first = !replacing && storage.createExclusively(marker(), text);
      if (!first && !replacing && isWhole()) {
        close();
        return;
      }
      if (!first) {
        storage.writeText(marker(), text);
      }
      committed = true;
      closed = true;
      storage.delete(Storage.join(stepPath(step), DAMAGED));
      for (Storage.Entry entry : storage.list(stepPath(step))) {
        if (entry.directory() && !entry.name().equals(attempt)) {
          storage.delete(entry.path());
        }
      }
    }

    private boolean isWhole() {
      try {
        return snapshot(step).isPresent();
      } catch (PlumblineException e) {
        if (damage(e).isEmpty()) {
          throw e;
        }
        return false;
      }
    }

    @Override
    public void close() {
      if (!committed && !closed) {
        closed = true;
        storage.delete(path);
      }
    }
  }

  private interface Content {
    void writeTo(OutputStream output, String path) throws IOException;
  }

  /** A complete state. What is read is checked against the hash that was written. */
  public final class Snapshot {
    private final long step;
    private final String path;
    private final Map<String, StateMarker.Entry> files;

    private Snapshot(long step, String path, Map<String, StateMarker.Entry> files) {
      this.step = step;
      this.path = path;
      this.files = files;
    }

    /** Updates done when the state was written. */
    public long step() {
      return step;
    }

    /** The directory that holds the files. */
    public String path() {
      return path;
    }

    private void checkLengths() {
      Map<String, Long> lengths = new TreeMap<>();
      for (Storage.Entry entry : storage.list(path)) {
        lengths.put(entry.name(), entry.length());
      }
      for (StateMarker.Entry file : files.values()) {
        Long length = lengths.get(file.file());
        if (length == null) {
          throw damaged(step, "the file " + file.file() + " is gone", null);
        }
        if (length != file.length()) {
          throw damaged(
              step,
              "the file "
                  + file.file()
                  + " has "
                  + length
                  + " bytes where "
                  + file.length()
                  + " were written",
              null);
        }
      }
    }

    private StateMarker.Entry file(String name, String ending) {
      StateMarker.Entry file = files.get(StateMarker.fileName(name, ending));
      if (file == null) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            "The training state "
                + stepPath(step)
                + " holds no "
                + name
                + "; it was written by another version or for another algorithm: start anew"
                + " instead of resuming.");
      }
      return file;
    }

    private SafetensorsFile.Tensor tensor(StateMarker.Entry file) {
      try {
        SafetensorsFile opened = SafetensorsFile.open(storage, Storage.join(path, file.file()));
        if (opened.tensors().size() != 1) {
          throw damaged(step, "the header of " + file.file() + " has changed", null);
        }
        return opened.tensor(file.name());
      } catch (PlumblineException e) {
        if (e.code() != ErrorCode.BAD_CHECKPOINT) {
          throw e;
        }
        throw damaged(step, "the header of " + file.file() + " has changed", e);
      }
    }

    /**
     * Reads values into {@code target}, which must have room for exactly these. They are good only
     * when the call returns: the hash is known at the end.
     */
    public void read(String name, Floats target) {
      StateMarker.Entry file = file(name, ".safetensors");
      SafetensorsFile.Tensor tensor = tensor(file);
      if (tensor.elements() != target.length()) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            "The training state "
                + stepPath(step)
                + " holds "
                + tensor.elements()
                + " values of "
                + name
                + " where this model has "
                + target.length()
                + "; resume with the model that the run started from.");
      }
      MessageDigest digest = Sha256.digest();
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      try (SeekableInput input = storage.openSeekable(Storage.join(path, file.file()))) {
        long at = 0;
        while (at < tensor.start()) {
          at += next(input, at, tensor.start() - at, chunk, digest);
        }
        for (FloatBuffer piece : target.buffers()) {
          while (piece.hasRemaining()) {
            at += next(input, at, (long) piece.remaining() * Float.BYTES, chunk, digest);
            SafetensorsFile.decode(Dtype.F32, chunk, piece);
          }
        }
      }
      checkHash(file, digest);
    }

    /** Reads up to so many bytes into a chunk, and hashes them; returns how many. */
    private static int next(
        SeekableInput input, long at, long most, ByteBuffer chunk, MessageDigest digest) {
      chunk.clear();
      chunk.limit((int) Math.min(chunk.capacity(), most));
      input.readFully(at, chunk);
      chunk.flip();
      digest.update(chunk.duplicate());
      return chunk.limit();
    }

    /** Reads a JSON object. */
    public ObjectNode json(String name) {
      StateMarker.Entry file = file(name, ".json");
      byte[] bytes = storage.readBytes(Storage.join(path, file.file()));
      MessageDigest digest = Sha256.digest();
      digest.update(bytes);
      checkHash(file, digest);
      return PythonJson.parse(
          new String(bytes, java.nio.charset.StandardCharsets.UTF_8),
          Storage.join(path, file.file()));
    }

    private void checkHash(StateMarker.Entry file, MessageDigest digest) {
      if (!HexFormat.of().formatHex(digest.digest()).equals(file.sha256())) {
        throw damaged(step, "the bytes of " + file.file() + " have changed", null);
      }
    }
  }
}
