package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class PageTest {
  static final String HOSTILE =
      "</script><script>document.title='owned'</script><!--<script><img src=x onerror=alert(1)>"
          + "{{data}}{{scripts}}]]>\u2028\u2029\u202e&lt;\"'\\ \u0000\ud800";

  /** A lone surrogate has no UTF-8 form; all else arrives letter by letter. */
  static final String ARRIVED = HOSTILE.replace('\ud800', '\ufffd');

  static JsonNode embedded(String page) throws IOException {
    Matcher data =
        Pattern.compile(
                "<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL)
            .matcher(page);
    assertThat(data.find()).isTrue();
    return new JsonMapper().readTree(data.group(1));
  }

  /** The page without its own styles and scripts, tag by tag. */
  static List<String> tags(String page) {
    List<String> tags = new ArrayList<>();
    Matcher matcher =
        Pattern.compile("<[/!a-zA-Z][^>]*>")
            .matcher(
                page.replaceAll("(?s)<style>.*?</style>", "<style></style>")
                    .replaceAll("(?s)<script>.*?</script>", "<script></script>"));
    while (matcher.find()) {
      tags.add(matcher.group());
    }
    return tags;
  }

  private record Everything(
      double number,
      Map<String, Object> ordered,
      Optional<String> text,
      OptionalLong absent,
      List<String> texts) {}

  @Test
  void dataArrivesAsItIs() throws IOException {
    Map<String, Object> ordered = new LinkedHashMap<>();
    ordered.put("b", Map.of("nested", 1));
    ordered.put("10", OptionalLong.of(2));
    ordered.put("9", Optional.empty());
    JsonNode data =
        embedded(
            Page.titled("t")
                .data(
                    new Everything(
                        Double.NEGATIVE_INFINITY,
                        ordered,
                        Optional.of(HOSTILE),
                        OptionalLong.empty(),
                        List.of(HOSTILE)))
                .render());

    assertThat(data.get("number").textValue()).isEqualTo("-Infinity");
    assertThat(data.get("ordered").toString())
        .isEqualTo("[[\"b\",[[\"nested\",1]]],[\"10\",2],[\"9\",null]]");
    assertThat(data.get("text").textValue()).isEqualTo(ARRIVED);
    assertThat(data.get("absent").isNull()).isTrue();
    assertThat(data.get("texts").get(0).textValue()).isEqualTo(ARRIVED);
  }

  @Test
  void hostileTextAddsNoMarkup() {
    String page = Page.titled(HOSTILE).kind(HOSTILE).verdict(HOSTILE).data(HOSTILE).render();
    String calm = Page.titled("t").kind("k").verdict("v").data("d").render();

    assertThat(tags(page)).isEqualTo(tags(calm));
  }

  @Test
  void thePolicyKnowsEveryScriptAndStyleByItsHash() throws Exception {
    String page = Page.titled("t").style("p { margin: 0 }").script("let π = 1;").render();

    Matcher policy =
        Pattern.compile("Content-Security-Policy\" content=\"([^\"]*)\"").matcher(page);
    assertThat(policy.find()).isTrue();
    assertThat(policy.group(1)).startsWith("default-src 'none';").doesNotContain("unsafe");
    Matcher own = Pattern.compile("(?s)<(script|style)>(.*?)</\\1>").matcher(page);
    int found = 0;
    for (; own.find(); found++) {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(own.group(2).getBytes(StandardCharsets.UTF_8));
      assertThat(policy.group(1))
          .contains("'sha256-" + Base64.getEncoder().encodeToString(hash) + "'");
    }
    assertThat(found).isEqualTo(9);
  }

  @Test
  void aScriptThatCouldEndItsElementIsRefused() {
    assertThatThrownBy(() -> Page.titled("t").script("let a = '</SCRIPT>';"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Page.titled("t").style("</style>"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
