package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random templates give what Jinja2 from PyPI gives, or fail where it fails. The environment
 * variable PLUMBLINE_PYTHON names a Python that has jinja2; else python3 is tried. System
 * properties plumbline.fuzz.seed and plumbline.fuzz.templates repeat or lengthen a run.
 */
class DifferentialTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BATCH = 50;

  /** What names a place in memory, or a type that has no meaning outside of Python. */
  private static final Pattern UNCOMPARABLE =
      Pattern.compile(
          "(?i)0x[0-9a-f]{8,}|&lt;(function|built-in|generator)|<(function|built-in|bound"
              + " method|generator|class|async)");

  private static final List<String> OURS_UNSUPPORTED = List.of("not supported", "was stopped at");

  private record Case(String template, Map<String, Object> context) {}

  /** One process of the peer. */
  private static final class Peer implements AutoCloseable {
    private final Process process;
    private final BufferedWriter in;
    private final BufferedReader out;

    Peer(String python) throws IOException {
      process =
          new ProcessBuilder(
                  python,
                  Path.of(System.getProperty("plumbline.root"))
                      .resolve("fixtures/scripts/fuzz_chat_template.py")
                      .toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      in =
          new BufferedWriter(
              new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    boolean greets() throws IOException {
      String line = out.readLine();
      return line != null && JSON.readTree(line).has("jinja2");
    }

    /** Writes beside reading, as neither side may wait for the other with its pipe full. */
    List<JsonNode> render(List<Case> cases) throws IOException, InterruptedException {
      Thread writer =
          new Thread(
              () -> {
                try {
                  for (Case one : cases) {
                    ObjectNode node = JSON.createObjectNode().put("template", one.template());
                    node.set("context", JSON.valueToTree(one.context()));
                    in.write(node + "\n");
                  }
                  in.flush();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      writer.start();
      List<JsonNode> answers = new ArrayList<>();
      for (int i = 0; i < cases.size(); i++) {
        String line = out.readLine();
        assertThat(line).as("the answer of the Python process").isNotNull();
        answers.add(JSON.readTree(line));
      }
      writer.join();
      return answers;
    }

    @Override
    public void close() throws IOException {
      in.close();
      try {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  private static Optional<Peer> peer() {
    String python = Optional.ofNullable(System.getenv("PLUMBLINE_PYTHON")).orElse("python3");
    try {
      Peer peer = new Peer(python);
      if (peer.greets()) {
        return Optional.of(peer);
      }
      peer.close();
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Test
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void randomTemplatesRenderAsJinja2Does() throws Exception {
    Optional<Peer> found = peer();
    assumeTrue(
        found.isPresent(),
        "skipped: no Python with jinja2; set PLUMBLINE_PYTHON to one to compare with Jinja2");
    long seed = Long.getLong("plumbline.fuzz.seed", System.nanoTime());
    int templates = Integer.getInteger("plumbline.fuzz.templates", 1000);
    System.out.println("repeat with -Dplumbline.fuzz.seed=" + seed);
    List<String> differences = new ArrayList<>();
    int texts = 0;
    int uncompared = 0;
    TemplateGrammar grammar = new TemplateGrammar(new Random(seed));
    try (Peer peer = found.get()) {
      for (int done = 0; done < templates; done += BATCH) {
        List<Case> cases = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
          cases.add(new Case(grammar.template(), grammar.context()));
        }
        List<JsonNode> answers = peer.render(cases);
        for (int i = 0; i < BATCH; i++) {
          String theirs = describe(answers.get(i));
          String ours = ours(cases.get(i));
          boolean uncomparable =
              UNCOMPARABLE.matcher(theirs).find()
                  || OURS_UNSUPPORTED.stream().anyMatch(ours::contains);
          if (uncomparable) {
            uncompared++;
          } else if (theirs.startsWith("text ")) {
            texts++;
            if (!theirs.equals(ours)) {
              differences.add(report(cases.get(i), theirs, ours));
            }
          } else if (ours.startsWith("text ")) {
            differences.add(report(cases.get(i), theirs, ours));
          }
        }
      }
    }
    System.out.println(
        templates + " templates, " + texts + " with a text, " + uncompared + " left out");
    assertThat(differences)
        .as("seed %d: %d of %d differ", seed, differences.size(), templates)
        .isEmpty();
    assertThat(texts).isGreaterThan(templates / 10);
    assertThat(uncompared).isLessThan(templates / 10);
  }

  private static String describe(JsonNode answer) {
    return answer.has("text")
        ? "text "
            + JSON.getNodeFactory().textNode(answer.get("text").asText())
            + answer.get("spans")
        : "error " + answer.get("error").asText();
  }

  private static String ours(Case one) {
    try {
      JinjaTemplate.Rendered rendered =
          JinjaTemplate.parse(one.template(), Limits.STANDARD)
              .render(one.context(), Clock.systemUTC());
      List<List<Integer>> spans = new ArrayList<>();
      rendered.generated().forEach(span -> spans.add(List.of(span.start(), span.end())));
      return "text " + JSON.getNodeFactory().textNode(rendered.text()) + JSON.valueToTree(spans);
    } catch (TemplateException e) {
      return "error " + e.getMessage();
    }
  }

  private static String report(Case one, String theirs, String ours) {
    return "\ntemplate "
        + JSON.getNodeFactory().textNode(one.template())
        + "\ncontext  "
        + JSON.valueToTree(one.context())
        + "\nJinja2   "
        + theirs
        + "\nours     "
        + ours
        + "\n";
  }
}
