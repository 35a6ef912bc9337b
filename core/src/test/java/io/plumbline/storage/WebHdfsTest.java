package io.plumbline.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Hadoop's own client for HDFS over HTTP, with a server that knows one file. */
class WebHdfsTest {
  private static final byte[] CONTENT = "{\"n\": 1}\n{\"n\": 2}\n".getBytes(StandardCharsets.UTF_8);

  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/webhdfs/v1/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange call) throws IOException {
    String path = call.getRequestURI().getPath().substring("/webhdfs/v1".length());
    String query = call.getRequestURI().getQuery();
    String operation = parameter(query, "op").toUpperCase(java.util.Locale.ROOT);
    boolean file = path.equals("/data/rows.jsonl");
    boolean directory = path.equals("/") || path.equals("/data");
    if (!file && !directory) {
      send(
          call,
          404,
          "{\"RemoteException\": {\"exception\": \"FileNotFoundException\", \"javaClassName\":"
              + " \"java.io.FileNotFoundException\", \"message\": \"none\"}}");
    } else if (operation.equals("GETFILESTATUS")) {
      send(call, 200, "{\"FileStatus\": " + status(file, "") + "}");
    } else if (operation.startsWith("LISTSTATUS")) {
      String child =
          path.equals("/") ? status(false, "data") : status(true, file ? "" : "rows.jsonl");
      send(call, 200, "{\"FileStatuses\": {\"FileStatus\": [" + child + "]}}");
    } else if (operation.equals("OPEN") && !query.contains("data=1")) {
      String where =
          "http://" + call.getRequestHeaders().getFirst("Host") + call.getRequestURI() + "&data=1";
      if (query.contains("noredirect=true")) {
        send(call, 200, "{\"Location\": \"" + where.replace("noredirect=true", "x=1") + "\"}");
      } else {
        call.getResponseHeaders().add("Location", where);
        send(call, 307, "");
      }
    } else if (operation.equals("OPEN")) {
      String offset = parameter(query, "offset");
      int from = offset.isEmpty() ? 0 : Integer.parseInt(offset);
      send(
          call,
          200,
          new String(Arrays.copyOfRange(CONTENT, from, CONTENT.length), StandardCharsets.UTF_8));
    } else {
      send(call, 400, "{}");
    }
  }

  private static String parameter(String query, String name) {
    return Stream.of(query.split("&", -1))
        .filter(part -> part.startsWith(name + "="))
        .map(part -> part.substring(name.length() + 1))
        .findFirst()
        .orElse("");
  }

  private static String status(boolean file, String name) {
    return ("{\"accessTime\": 0, \"blockSize\": 1048576, \"childrenNum\": 0, \"fileId\": 1,"
            + " \"group\": \"g\", \"length\": %d, \"modificationTime\": 1, \"owner\": \"o\","
            + " \"pathSuffix\": \"%s\", \"permission\": \"644\", \"replication\": 1,"
            + " \"storagePolicy\": 0, \"type\": \"%s\"}")
        .formatted(file ? CONTENT.length : 0, name, file ? "FILE" : "DIRECTORY");
  }

  private static void send(HttpExchange call, int code, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    call.sendResponseHeaders(code, bytes.length == 0 ? -1 : bytes.length);
    call.getResponseBody().write(bytes);
    call.close();
  }

  @Test
  void filesAreReadAndTheRootIsADirectory() throws IOException {
    String root = "webhdfs://127.0.0.1:" + server.getAddress().getPort();
    Storage storage = Storage.of(new Configuration());
    // Asked for without its slash, as it comes out where a path is followed upwards.
    assertThat(storage.isDirectory(root)).isTrue();
    assertThat(storage.list(root)).extracting(Storage.Entry::path).containsExactly(root + "/data");
    assertThat(storage.expand(root + "/d*/*.jsonl"))
        .extracting(Storage.Entry::path)
        .containsExactly(root + "/data/rows.jsonl");
    assertThat(storage.readBytes(root + "/data/rows.jsonl")).isEqualTo(CONTENT);
    try (var input = storage.openAt(root + "/data/rows.jsonl", 9, 12)) {
      assertThat(input.readAllBytes()).isEqualTo(Arrays.copyOfRange(CONTENT, 9, CONTENT.length));
    }
    assertThat(storage.exists(root + "/gone")).isFalse();
  }

  /** A file system with a mistake in it. */
  public static final class Mistaken extends RawLocalFileSystem {
    @Override
    public String getScheme() {
      return "mistaken";
    }

    @Override
    public java.net.URI getUri() {
      return java.net.URI.create("mistaken:///");
    }

    @Override
    public FileStatus getFileStatus(Path path) {
      throw new NullPointerException("a mistake");
    }
  }

  @Test
  void aMistakeInAProgramIsNotCalledAFaultOfTheNetwork() {
    Configuration configuration = new Configuration();
    configuration.set("fs.mistaken.impl", Mistaken.class.getName());
    assertThatThrownBy(() -> Storage.of(configuration).exists("mistaken:///x"))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("a mistake");
  }
}
