package io.plumbline.spark.tracking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * OUTPUT/tracking.json: which run of a server an output directory belongs to, and what the server
 * lacks. By it a run that is resumed, or sent later, continues in the same run of the server.
 *
 * @param key a tag of the run at the server, by which it is found if its id was not heard
 * @param runId empty until the server has said it
 * @param lacking what the server did not get, in words; empty where it has everything
 * @param reason why; empty where nothing is lacking
 */
record TrackingRecord(
    String uri, String experiment, String key, String runId, List<String> lacking, String reason) {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  TrackingRecord {
    lacking = lacking == null ? List.of() : List.copyOf(lacking);
  }

  static String path(String output) {
    return Storage.join(output, "tracking.json");
  }

  /** A run that no server knows yet. */
  static TrackingRecord fresh(TrackingSettings settings) {
    return new TrackingRecord(
        settings.uri(),
        settings.experiment(),
        UUID.randomUUID().toString(),
        "",
        List.of("everything"),
        "nothing was sent yet");
  }

  /** The record of an output directory; a fresh one where it tells of another server or none. */
  static TrackingRecord of(Storage storage, String output, TrackingSettings settings) {
    return read(storage, output)
        .filter(
            before ->
                before.uri().equals(settings.uri())
                    && before.experiment().equals(settings.experiment()))
        .orElseGet(() -> fresh(settings));
  }

  private static Optional<TrackingRecord> read(Storage storage, String output) {
    String path = path(output);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      return Optional.of(JSON.readValue(storage.readText(path), TrackingRecord.class));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          path + " is damaged: delete it, and the run is tracked anew by 'plumbline track'.",
          e);
    }
  }

  TrackingRecord withRunId(String id) {
    return new TrackingRecord(uri, experiment, key, id, lacking, reason);
  }

  TrackingRecord withLacking(List<String> what, String why) {
    return new TrackingRecord(uri, experiment, key, runId, what, why);
  }

  void write(Storage storage, String output) {
    try {
      storage.writeText(path(output), JSON.writeValueAsString(this) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tracking record is plain text", e);
    }
  }
}
