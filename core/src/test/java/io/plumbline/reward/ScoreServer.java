package io.plumbline.reward;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A scoring endpoint on loopback. It answers as its script says, an entry a request, and when that
 * is at its end gives each completion the number of its characters.
 */
final class ScoreServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** An answer, or the lack of one. */
  interface Answer {
    void to(HttpExchange exchange, JsonNode request) throws Exception;
  }

  private static final Answer LENGTHS = ScoreServer::lengths;

  final List<JsonNode> requests = new CopyOnWriteArrayList<>();
  final List<String> authorizations = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedDeque<Answer> script = new ConcurrentLinkedDeque<>();
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  ScoreServer(Answer... answers) throws IOException {
    script.addAll(List.of(answers));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/score";
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode request = JSON.readTree(exchange.getRequestBody());
      requests.add(request);
      authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      Answer answer = script.poll();
      (answer == null ? LENGTHS : answer).to(exchange, request);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  private static void lengths(HttpExchange exchange, JsonNode request) throws IOException {
    var body = JSON.createObjectNode();
    var rewards = body.putArray("rewards");
    request
        .path("completions")
        .forEach(item -> rewards.add(item.path("completion").asText().length()));
    send(exchange, 200, body.toString());
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  static Answer status(int status) {
    return (exchange, request) -> send(exchange, status, "");
  }

  static Answer body(String body) {
    return (exchange, request) -> send(exchange, 200, body);
  }

  static Answer retryAfter(int status, String value) {
    return (exchange, request) -> {
      exchange.getResponseHeaders().set("Retry-After", value);
      send(exchange, status, "");
    };
  }

  /** Says that much follows, and closes the connection. */
  static Answer dropped() {
    return (exchange, request) -> {
      exchange.sendResponseHeaders(200, 1000);
      exchange.getResponseBody().write('{');
      exchange.getResponseBody().flush();
    };
  }

  /** Sends the beginning of an answer and keeps the rest. */
  static Answer stalled() {
    return (exchange, request) -> {
      exchange.sendResponseHeaders(200, 1000);
      exchange.getResponseBody().write('{');
      exchange.getResponseBody().flush();
      Thread.sleep(60_000);
    };
  }

  /** Refuses requests that hold a text, with status 422. */
  static Answer refusing(String text) {
    return (exchange, request) -> {
      if (request.toString().contains(text)) {
        send(exchange, 422, "");
      } else {
        lengths(exchange, request);
      }
    };
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
