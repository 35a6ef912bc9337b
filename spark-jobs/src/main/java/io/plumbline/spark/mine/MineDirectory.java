package io.plumbline.spark.mine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.storage.Storage;
import java.util.Optional;
import java.util.Set;

/**
 * What {@code mine} writes:
 *
 * <pre>
 * OUTPUT/data/       Parquet, a row for each pair or completion
 * OUTPUT/mine.json   written last: what was asked for, and what came of it
 * </pre>
 *
 * <p>Until mine.json is there, a small file says that data/ is mine's own and not complete, and
 * what was asked for: so the next run of the same request knows that it may delete it.
 */
public record MineDirectory(Storage storage, String root) {
  /** The file that makes an output complete. */
  public static final String MARKER = "mine.json";

  private static final String DATA = "data";
  private static final String UNFINISHED = ".mine-unfinished";
  private static final Set<String> OWN = Set.of(MARKER, DATA, UNFINISHED);

  /** The directory of the rows. */
  public String data() {
    return Storage.join(root, DATA);
  }

  private String marker() {
    return Storage.join(root, MARKER);
  }

  private String unfinished() {
    return Storage.join(root, UNFINISHED);
  }

  /** Whether mine has begun to write here and has not come to the end. */
  public boolean isUnfinished() {
    return storage.exists(unfinished()) && !storage.exists(marker());
  }

  /** What mine.json says; empty where there is none, so that nothing here is complete. */
  public Optional<ObjectNode> complete() {
    if (!storage.exists(marker())) {
      return Optional.empty();
    }
    try {
      if (Json.MAPPER.readTree(storage.readText(marker())) instanceof ObjectNode found) {
        return Optional.of(found);
      }
    } catch (JsonProcessingException e) {
      throw damaged(e);
    }
    throw damaged(null);
  }

  private PlumblineException damaged(Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA, marker() + " is damaged: mine again with --overwrite.", cause);
  }

  /** What a run that was stopped here had been asked for; empty where none was. */
  Optional<ObjectNode> unfinishedRequest() {
    if (!isUnfinished()) {
      return Optional.empty();
    }
    try {
      return Json.MAPPER.readTree(storage.readText(unfinished())) instanceof ObjectNode request
          ? Optional.of(request)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty(); // One that did not say so yet.
    }
  }

  /**
   * Makes room for new rows: deletes what an earlier run of mine left, and nothing else.
   *
   * @param request with the configuration and the fingerprints of what is to be mined
   * @throws PlumblineException OUTPUT_IN_USE where something lies here that mine did not write
   */
  void begin(ObjectNode request) {
    for (Storage.Entry entry : storage.list(root)) {
      String name = entry.name();
      if (!OWN.contains(name) && !name.startsWith(OutputClaim.LOCK)) {
        throw foreign(name);
      }
    }
    boolean own = storage.exists(unfinished()) || storage.exists(marker());
    if (storage.exists(data()) && !own) {
      throw foreign(DATA);
    }
    storage.writeText(unfinished(), request.toPrettyString() + "\n");
    storage.delete(marker());
    storage.delete(data());
  }

  private PlumblineException foreign(String name) {
    return new PlumblineException(
        ErrorCode.OUTPUT_IN_USE,
        "%s holds %s, which mine did not write; give another --output.".formatted(root, name));
  }

  /** Makes the output complete. */
  void finish(ObjectNode summary) {
    storage.writeText(marker(), summary.toPrettyString() + "\n");
    storage.delete(unfinished());
  }
}
