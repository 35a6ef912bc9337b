package io.plumbline.spark.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A headless Chromium with one tab, driven by the DevTools protocol: its own profile, a port that
 * it chooses, and an end with the test. It keeps everything that a page complains of, and every
 * request that goes anywhere but to the page's own file.
 */
public final class Browser implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int MOST_COMPLAINTS = 5;
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final AtomicInteger numbers = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> complaints = new CopyOnWriteArrayList<>();
  private volatile String page = "";
  private volatile boolean loaded;

  private Browser(Process process, Path profile) throws IOException, InterruptedException {
    this.process = process;
    this.profile = profile;
    HttpClient http = HttpClient.newBuilder().connectTimeout(DEADLINE).build();
    String address = "http://127.0.0.1:" + port(process, profile);
    JsonNode tab =
        JSON.readTree(
            http.send(
                    HttpRequest.newBuilder(URI.create(address + "/json/new?about:blank"))
                        .timeout(DEADLINE)
                        .method("PUT", HttpRequest.BodyPublishers.noBody())
                        .build(),
                    HttpResponse.BodyHandlers.ofString())
                .body());
    this.socket =
        http.newWebSocketBuilder()
            .connectTimeout(DEADLINE)
            .buildAsync(URI.create(tab.get("webSocketDebuggerUrl").textValue()), new Listener())
            .join();
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
  }

  /** The program, where there is one: {@code PLUMBLINE_CHROMIUM}, or one on the path. */
  public static Optional<String> program() {
    String named = System.getenv("PLUMBLINE_CHROMIUM");
    if (named != null && !named.isEmpty()) {
      return Optional.of(named);
    }
    return Stream.of(System.getenv("PATH").split(":"))
        .flatMap(
            directory ->
                Stream.of("chromium", "chromium-browser", "google-chrome")
                    .map(name -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst();
  }

  public static Browser start() throws IOException, InterruptedException {
    Path profile = Files.createTempDirectory("plumbline-chromium");
    Process process =
        new ProcessBuilder(
                program().orElseThrow(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-background-networking",
                "--no-first-run",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("output").toFile())
            .start();
    try {
      return new Browser(process, profile);
    } catch (IOException | InterruptedException | RuntimeException e) {
      end(process, profile);
      throw e;
    }
  }

  private static String port(Process process, Path profile)
      throws IOException, InterruptedException {
    Path file = profile.resolve("DevToolsActivePort");
    long until = System.nanoTime() + DEADLINE.toNanos();
    while (System.nanoTime() < until && process.isAlive()) {
      if (Files.exists(file)) {
        List<String> lines = Files.readAllLines(file);
        if (lines.size() > 1) {
          return lines.get(0);
        }
      }
      Thread.sleep(20);
    }
    throw new IOException(
        "Chromium does not answer: " + Files.readString(profile.resolve("output")));
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder message = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      message.append(part);
      if (last) {
        String whole = message.toString();
        message.setLength(0);
        try {
          received(JSON.readTree(whole));
        } catch (IOException e) {
          complain("not JSON: " + whole);
        }
      }
      from.request(1);
      return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
      answers.values().forEach(answer -> answer.completeExceptionally(error));
    }
  }

  private void received(JsonNode message) {
    if (message.has("id")) {
      CompletableFuture<JsonNode> answer = answers.remove(message.get("id").intValue());
      if (message.has("error")) {
        answer.completeExceptionally(new IllegalStateException(message.get("error").toString()));
      } else {
        answer.complete(message.get("result"));
      }
      return;
    }
    JsonNode event = message.path("params");
    switch (message.path("method").asText()) {
      case "Runtime.exceptionThrown" ->
          complain("exception: " + event.at("/exceptionDetails/exception/description").asText());
      case "Runtime.consoleAPICalled" -> complain("console: " + event.path("args"));
      case "Log.entryAdded" -> complain("log: " + event.path("entry"));
      case "Network.requestWillBeSent" -> {
        String url = event.path("request").path("url").asText();
        if (!url.split("#", 2)[0].equals(page)) {
          complain("request: " + url);
        }
      }
      case "Page.javascriptDialogOpening" -> complain("dialog: " + event);
      case "Page.loadEventFired" -> loaded = true;
      default -> {
        // Other events say nothing that a test asks for.
      }
    }
  }

  private void complain(String what) {
    if (complaints.size() < MOST_COMPLAINTS) {
      complaints.add(what.length() <= 600 ? what : what.substring(0, 600));
    }
  }

  /** Sends a command and waits for what it gives back. */
  public JsonNode call(String method, Map<String, ?> parameters) {
    int number = numbers.incrementAndGet();
    ObjectNode message = JSON.createObjectNode().put("id", number).put("method", method);
    message.set("params", JSON.valueToTree(parameters));
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(number, answer);
    socket.sendText(message.toString(), true).join();
    try {
      return answer.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(method + " failed", e);
    }
  }

  /**
   * Opens a file anew, and waits until it is loaded. What was complained of before is forgotten.
   */
  public void open(Path file) {
    call("Page.navigate", Map.of("url", "about:blank"));
    until("a blank page", () -> evaluate("location.href").textValue().equals("about:blank"));
    page = file.toAbsolutePath().toUri().toString();
    complaints.clear();
    loaded = false;
    call("Page.navigate", Map.of("url", page));
    until("the page to load", () -> loaded);
    frames();
  }

  /** The value of a JavaScript expression, or of the promise that it gives. */
  public JsonNode evaluate(String expression) {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + "\n" + result.get("exceptionDetails"));
    }
    return result.path("result").path("value");
  }

  /** Waits for two frames: layout, observers and drawing are done then. */
  public void frames() {
    evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  }

  public void until(String what, BooleanSupplier condition) {
    long until = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new AssertionError("waited in vain for " + what);
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  /** A window of another size; a narrow one is a phone with a touch screen. */
  public void window(int width, int height) {
    boolean phone = width < 600;
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of(
            "width", width, "height", height, "deviceScaleFactor", phone ? 2 : 1, "mobile", phone));
    call("Emulation.setTouchEmulationEnabled", Map.of("enabled", phone));
  }

  /** What the system prefers: {@code light} or {@code dark}. */
  public void prefers(String colours) {
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colours))));
  }

  public void mouse(String type, double x, double y, int clicks) {
    call(
        "Input.dispatchMouseEvent",
        Map.of(
            "type",
            type,
            "x",
            x,
            "y",
            y,
            "button",
            type.equals("mouseMoved") && clicks == 0 ? "none" : "left",
            "buttons",
            type.equals("mouseReleased") || clicks == 0 ? 0 : 1,
            "clickCount",
            type.equals("mouseMoved") ? 0 : clicks));
  }

  public void click(double x, double y) {
    mouse("mouseMoved", x, y, 0);
    mouse("mousePressed", x, y, 1);
    mouse("mouseReleased", x, y, 1);
  }

  /** Fingers on a touch screen: {@code touchStart}, {@code touchMove} or {@code touchEnd}. */
  public void touch(String type, double[]... fingers) {
    List<Map<String, Object>> points = new ArrayList<>();
    for (int i = 0; i < fingers.length; i++) {
      points.add(Map.of("x", fingers[i][0], "y", fingers[i][1], "id", i));
    }
    call("Input.dispatchTouchEvent", Map.of("type", type, "touchPoints", points));
  }

  /** A key by its name in JavaScript, such as {@code ArrowRight}; a single letter is typed. */
  public void key(String name) {
    String text = name.length() == 1 ? name : name.equals("Enter") ? "\r" : "";
    Map<String, Object> down =
        text.isEmpty()
            ? Map.of("type", "keyDown", "key", name, "code", name)
            : Map.of("type", "keyDown", "key", name, "text", text);
    call("Input.dispatchKeyEvent", down);
    call("Input.dispatchKeyEvent", Map.of("type", "keyUp", "key", name));
  }

  public void type(String text) {
    call("Input.insertText", Map.of("text", text));
  }

  /** Lets one key event through with the code that moves the focus. */
  public void tab() {
    call(
        "Input.dispatchKeyEvent",
        Map.of("type", "keyDown", "key", "Tab", "code", "Tab", "windowsVirtualKeyCode", 9));
    call(
        "Input.dispatchKeyEvent",
        Map.of("type", "keyUp", "key", "Tab", "code", "Tab", "windowsVirtualKeyCode", 9));
  }

  /** The page as it is printed. */
  public byte[] pdf() {
    return Base64.getDecoder()
        .decode(call("Page.printToPDF", Map.of("printBackground", true)).get("data").textValue());
  }

  /** What is seen now, or the whole page. */
  public byte[] screenshot(boolean whole) {
    return Base64.getDecoder()
        .decode(
            call("Page.captureScreenshot", Map.of("captureBeyondViewport", whole))
                .get("data")
                .textValue());
  }

  /** Errors, warnings, exceptions, refusals of the policy, and requests, since the page opened. */
  public List<String> complaints() {
    return List.copyOf(complaints);
  }

  @Override
  public void close() {
    socket.abort();
    end(process, profile);
  }

  private static void end(Process process, Path profile) {
    List<ProcessHandle> children = process.descendants().toList();
    process.destroy();
    children.forEach(ProcessHandle::destroy);
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        process.waitFor(10, TimeUnit.SECONDS);
      }
      for (ProcessHandle child : children) {
        child.destroyForcibly();
      }
      // A child that ends may still write.
      for (int i = 0; i < 50 && !deleted(profile); i++) {
        Thread.sleep(100);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean deleted(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
      return true;
    } catch (IOException | java.io.UncheckedIOException e) {
      return false;
    }
  }
}
