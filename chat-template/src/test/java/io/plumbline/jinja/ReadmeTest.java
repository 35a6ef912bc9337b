package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The example of README.md, line by line, does what it says. */
class ReadmeTest {
  @Test
  void theExampleRendersAConversation() {
    String source = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}\n{% endfor %}";
    JinjaTemplate template = JinjaTemplate.parse(source, Limits.STANDARD);
    List<Map<String, String>> messages = List.of(Map.of("role", "user", "content", " Hello "));
    JinjaTemplate.Rendered rendered =
        template.render(Map.of("messages", messages), Clock.systemUTC());
    String text = rendered.text(); // "<user>Hello" and a line end

    assertThat(text).isEqualTo("<user>Hello\n");
  }

  @Test
  void theExampleIsThatOfTheReadme() throws IOException {
    Path module = Path.of(System.getProperty("plumbline.root"), "chat-template");
    String readme = Files.readString(module.resolve("README.md"));
    String test =
        Files.readString(module.resolve("src/test/java/io/plumbline/jinja/ReadmeTest.java"));
    String example = readme.substring(readme.indexOf("    String source"));

    assertThat(example.lines().takeWhile(line -> line.startsWith("    ")))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(test).contains(line));
  }
}
