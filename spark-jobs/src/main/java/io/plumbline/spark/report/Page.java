package io.plumbline.spark.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * The frame that all reports share: one HTML file that needs nothing beside it and no network, with
 * a title, a verdict, and a switch between light and dark. Then come content that needs no script,
 * and what scripts draw of the data.
 *
 * <p>The content security policy forbids every request, and every script and style but those that
 * were put in here, which it knows by their hashes. So elements have no {@code style} attributes
 * and no {@code on…} attributes; a script sets {@code element.style} and adds listeners instead.
 *
 * <p>{@code page.js}, {@code charts.js} and {@code planes.js} stand before all other scripts and
 * offer them {@code plumbline}: the data, functions that make elements of plain text, and charts.
 */
public final class Page {
  private static final JsonMapper JSON = mapper();

  /** The charts' library, from its Maven artifact; its licence goes into each page with it. */
  private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";

  private final String title;
  private String kind = "Plumbline report";
  private String verdict = "";
  private Object data = Map.of();
  private String content = "";
  private final List<String> styles = new ArrayList<>();
  private final List<String> scripts = new ArrayList<>();

  private Page(String title) {
    this.title = Objects.requireNonNull(title, "title");
    for (String name : List.of("page.css", UPLOT + "dist/uPlot.min.css", "charts.css")) {
      style(resource(Page.class, name));
    }
    script(resource(Page.class, "page.js"));
    script(
        "/*\n"
            + resource(Page.class, UPLOT + "LICENSE")
            + "\n*/\n"
            + resource(Page.class, UPLOT + "dist/uPlot.iife.min.js"));
    script(resource(Page.class, "charts.js"));
    script(resource(Page.class, "planes.js"));
  }

  /** An empty page whose title and heading are plain text, such as {@code DPO on pairs.jsonl}. */
  public static Page titled(String title) {
    return new Page(title);
  }

  /** The small line above the heading: which report this is. */
  public Page kind(String words) {
    kind = words;
    return this;
  }

  /** The sentences below the heading, which a reader without JavaScript sees too. */
  public Page verdict(String sentences) {
    verdict = sentences;
    return this;
  }

  /**
   * What the scripts find as {@code plumbline.data}: a record, a JSON tree, or what Jackson writes.
   * Maps become lists of {@code [name, value]}, since JavaScript would order names like "10" anew;
   * an absent value is null; a number that is not finite is its name, such as {@code "NaN"}.
   */
  public Page data(Object value) {
    data = Objects.requireNonNull(value, "value");
    return this;
  }

  /** Adds rules after those of the frame. The text is the product's own, never data. */
  public Page style(String css) {
    styles.add(trusted(css, "</style"));
    return this;
  }

  /** Adds a script after those that are there. The text is the product's own, never data. */
  public Page script(String javaScript) {
    scripts.add(trusted(javaScript, "</script", "<!--"));
    return this;
  }

  /**
   * What stands in the page for readers without JavaScript too. All texts in this markup must be
   * {@link #escapedHtml}, and it may have no {@code style} attributes.
   */
  public Page content(String markup) {
    content = markup;
    return this;
  }

  /** Writes the page to a path of any Hadoop file system, replacing what is there. */
  public void write(Storage storage, String path) {
    storage.writeText(path, render());
  }

  /** The page as one string. */
  public String render() {
    // One pass over the template's own places: text that was put in is never searched again.
    String template = resource(Page.class, "page.html");
    StringBuilder page = new StringBuilder();
    int from = 0;
    for (int at = template.indexOf("{{"); at >= 0; at = template.indexOf("{{", from)) {
      int end = template.indexOf("}}", at);
      page.append(template, from, at);
      page.append(part(template.substring(at + 2, end)));
      from = end + 2;
    }
    return page.append(template, from, template.length()).toString();
  }

  private String part(String place) {
    return switch (place) {
      case "title" -> escapedHtml(title);
      case "kind" -> escapedHtml(kind);
      case "verdict" -> escapedHtml(verdict);
      case "style-hashes" -> hashes(styles);
      case "script-hashes" -> hashes(scripts);
      case "styles" -> elements("style", styles);
      case "scripts" -> elements("script", scripts);
      case "content" -> content;
      case "data" -> scriptSafe(json(data));
      default -> throw new IllegalStateException("unknown place in the template: " + place);
    };
  }

  private static String elements(String name, List<String> texts) {
    return texts.stream()
        .map(text -> "<" + name + ">" + text + "</" + name + ">")
        .collect(Collectors.joining("\n"));
  }

  private static String hashes(List<String> texts) {
    return texts.stream()
        .map(text -> "'sha256-" + Base64.getEncoder().encodeToString(sha256(text)) + "'")
        .collect(Collectors.joining(" "));
  }

  private static byte[] sha256(String text) {
    return Sha256.digest().digest(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String trusted(String text, String... endings) {
    for (String ending : endings) {
      if (text.toLowerCase(Locale.ROOT).contains(ending)) {
        throw new IllegalArgumentException("a text of the product holds " + ending);
      }
    }
    return text;
  }

  /** A text resource that stands beside a class in the jar. */
  public static String resource(Class<?> beside, String name) {
    try (InputStream in = beside.getResourceAsStream(name)) {
      if (in == null) {
        throw new PlumblineException(
            ErrorCode.INTERNAL,
            "The jar lacks " + name + " of the report; build it again with mvn package.");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + name + " from the jar", e);
    }
  }

  /**
   * Text that may stand between tags and in quoted attributes. A lone half of a surrogate pair has
   * no UTF-8 form, and a zero no place in HTML.
   */
  public static String escapedHtml(String text) {
    StringBuilder safe = new StringBuilder();
    text.codePoints()
        .forEach(
            point -> {
              switch (point) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default ->
                    safe.appendCodePoint(
                        point == 0
                                || (point >= Character.MIN_SURROGATE
                                    && point <= Character.MAX_SURROGATE)
                            ? 0xfffd
                            : point);
              }
            });
    return safe.toString();
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "The report's data cannot be written as JSON; please report it.", e);
    }
  }

  /** JSON that may stand inside a script element: it holds no {@code <}, so no tag can end it. */
  static String scriptSafe(String json) {
    StringBuilder safe = new StringBuilder(json.length() + json.length() / 8);
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      switch (c) {
        case '<', '>', '&', '\u2028', '\u2029' -> safe.append(String.format("\\u%04x", (int) c));
        default -> {
          // A lone half of a surrogate pair has no UTF-8 form.
          boolean paired =
              Character.isHighSurrogate(c)
                  ? i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))
                  : i > 0 && Character.isHighSurrogate(json.charAt(i - 1));
          if (Character.isSurrogate(c) && !paired) {
            safe.append("\\ufffd");
          } else {
            safe.append(c);
          }
        }
      }
    }
    return safe.toString();
  }

  private static JsonMapper mapper() {
    SimpleModule module = new SimpleModule();
    module.addSerializer(
        Map.class,
        serializer(
            (map, json) -> {
              json.writeStartArray();
              for (Map.Entry<?, ?> entry : ((Map<?, ?>) map).entrySet()) {
                json.writeStartArray();
                json.writeString(String.valueOf(entry.getKey()));
                json.writePOJO(entry.getValue());
                json.writeEndArray();
              }
              json.writeEndArray();
            }));
    module.addSerializer(
        Optional.class, serializer((value, json) -> json.writePOJO(value.orElse(null))));
    module.addSerializer(
        OptionalLong.class,
        serializer((value, json) -> json.writePOJO(value.isPresent() ? value.getAsLong() : null)));
    module.addSerializer(
        OptionalDouble.class,
        serializer(
            (value, json) -> json.writePOJO(value.isPresent() ? value.getAsDouble() : null)));
    return JsonMapper.builder().addModule(module).build();
  }

  private interface Writing<T> {
    void write(T value, JsonGenerator json) throws IOException;
  }

  private static <T> JsonSerializer<T> serializer(Writing<T> writing) {
    return new JsonSerializer<>() {
      @Override
      public void serialize(T value, JsonGenerator json, SerializerProvider provider)
          throws IOException {
        writing.write(value, json);
      }
    };
  }
}
