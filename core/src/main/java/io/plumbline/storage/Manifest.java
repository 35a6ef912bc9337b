package io.plumbline.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that makes a directory complete, which is written last: a JSON object of the name and
 * the version of a format, and of what stands in the fields of a record.
 *
 * @param format its name
 * @param version files of another one are not read
 * @param type of the record whose components are the other fields
 * @param holds what the directory holds, in words
 * @param end what stands behind the object
 */
public record Manifest<T>(String format, int version, Class<T> type, String holds, String end) {
  /** The file's name. */
  public static final String FILE = "manifest.json";

  private static final Logger LOG = LoggerFactory.getLogger(Manifest.class);

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private record Head(String format, int version) {}

  private record Content<T>(Head head, T fields) {}

  private static String path(String directory) {
    return Storage.join(directory, FILE);
  }

  /** Whether a directory has a manifest, of whatever format. */
  public static boolean isIn(Storage storage, String directory) {
    return storage.exists(path(directory));
  }

  /** Makes a directory incomplete, before what it holds is replaced. */
  public static void delete(Storage storage, String directory) {
    storage.delete(path(directory));
  }

  /**
   * What stands in a directory's manifest.
   *
   * @param remedy what makes a directory complete that is not
   * @throws PlumblineException INPUT_NOT_FOUND where there is no manifest, BAD_DATA where it is
   *     damaged or of another format
   */
  public T open(Storage storage, String directory, String remedy) {
    String path = path(directory);
    if (!storage.exists(path)) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There are no complete %s in %s: %s is missing; %s"
              .formatted(holds, directory, FILE, remedy));
    }
    Content<T> content;
    try {
      content = content(storage, path);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%s is not a manifest of %s; delete %s and run again".formatted(path, holds, directory),
          e);
    }
    Head head = content.head();
    if (!isThis(head)) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%s has format %s version %d, and this is %s version %d; delete %s and run again"
              .formatted(path, head.format(), head.version(), format, version, directory));
    }
    return content.fields();
  }

  /**
   * What stands in a directory's manifest; empty where there is none, or none that can be read.
   *
   * @param remedy what happens to a directory whose manifest is damaged
   */
  public Optional<T> find(Storage storage, String directory, String remedy) {
    String path = path(directory);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      Content<T> content = content(storage, path);
      return isThis(content.head()) ? Optional.of(content.fields()) : Optional.empty();
    } catch (JsonProcessingException e) {
      LOG.warn("{} is no manifest of {}; {}", path, holds, remedy);
      return Optional.empty();
    }
  }

  private Content<T> content(Storage storage, String path) throws JsonProcessingException {
    ObjectNode all = JSON.readValue(storage.readText(path), ObjectNode.class);
    return new Content<>(JSON.treeToValue(all, Head.class), JSON.treeToValue(all, type));
  }

  private boolean isThis(Head head) {
    return format.equals(head.format()) && version == head.version();
  }

  /** Completes a directory, whatever manifest it has. */
  public void write(Storage storage, String directory, T fields) {
    storage.writeText(path(directory), text(fields));
  }

  /** Completes a directory that has no manifest; false where it has one, which stays. */
  public boolean writeFirst(Storage storage, String directory, T fields) {
    return storage.createExclusively(path(directory), text(fields));
  }

  private String text(T fields) {
    ObjectNode all = JSON.createObjectNode().put("format", format).put("version", version);
    all.setAll((ObjectNode) JSON.valueToTree(fields));
    try {
      return JSON.writeValueAsString(all) + end;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a manifest is plain data", e);
    }
  }
}
