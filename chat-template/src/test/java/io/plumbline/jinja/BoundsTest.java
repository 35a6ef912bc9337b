package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BoundsTest {
  private static String render(String template) {
    return JinjaTemplate.parse(template, Limits.STANDARD)
        .render(
            Map.of("messages", List.of(Map.of("role", "user"))),
            Clock.fixed(Instant.parse("2024-07-26T09:05:03Z"), ZoneOffset.UTC))
        .text();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 2 ** 100000000 }}",
        "{{ ('%.999f' * 999999) % ((3,) * 999999) }}",
        "{{ 'x\\ny'|indent(10**9) }}",
        "{{ [1]|tojson(indent=10**9) }}",
        "{{ 'x'|center(10**9) }}",
        "{{ [1]|batch(10**9, 1)|list }}",
        "{{ [1]|slice(10**9)|list }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(x=[]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor"
            + " %}{{ ns.x }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{%"
            + " endfor %}{{ ns.x|length }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{%"
            + " endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('',"
            + " ns.x) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999)|sum }}{% endfor %}",
        "{{ range(99999)|map('string')|join('x' * 1000000) }}",
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}"
      })
  void stopsWhatWouldNotEnd(String template) {
    assertThatThrownBy(() -> render(template))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("The chat template")
        .hasMessageContaining("at line 1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "{1:", "not ", "-", "a if ", "x[", "f("})
  void refusesSourceThatIsNestedTooDeeply(String opening) {
    assertThatThrownBy(() -> render("{{ " + opening.repeat(100_000) + " }}"))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("line 1");
  }

  @ParameterizedTest
  @ValueSource(strings = {" + 1", "|string", ".a", " if 1 else 2", " and 1", "[0]"})
  void refusesExpressionsThatAreTooDeep(String piece) {
    assertThatThrownBy(() -> render("{{ 1" + piece.repeat(100_000) + " }}"))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void refusesBlocksThatAreNestedTooDeeply() {
    assertThatThrownBy(() -> render("{% if 1 %}".repeat(100_000)))
        .hasMessageContaining("nested deeper");
  }

  @Test
  void takesOrdinaryDepthAndLength() {
    assertThat(render("{{ " + "(".repeat(40) + "1" + ")".repeat(40) + " }}")).isEqualTo("1");
    assertThat(render("{{ 'a'" + " + 'a'".repeat(200) + " }}")).hasSize(201);
    assertThat(render("{% for i in range(99999) %}xxxxxxxxxx{% endfor %}")).hasSize(999_990);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{{ raise_exception('Roles must alternate') }}#The chat template refused the conversation"
            + " at line 1: Roles must alternate.",
        "{{ messages[0].content.strip() }}#The chat template failed at line 1: 'dict object' has no"
            + " attribute 'content'.",
        "{{ nothing.x }}#The chat template failed at line 1: 'nothing' is undefined.",
        "{{ 1 + 'a' }}#The chat template failed at line 1: unsupported operand types for +: 'int'"
            + " and 'str'.",
        "{% if 1 %}#The chat template cannot be parsed at line 1: the template ends where one of"
            + " elif, else, endif is expected.",
        "{{ 'a'|shout }}#The chat template cannot be parsed at line 1: there is no filter named"
            + " 'shout'.",
        "{{ [].append(1) }}#The chat template failed at line 1: access to attribute 'append' of"
            + " 'list' object is unsafe.",
        "{{ messages.__class__.mro() }}#The chat template failed at line 1: access to attribute"
            + " '__class__' of 'list' object is unsafe.",
        "{{ 'x' * 99999999 }}#The chat template was stopped at line 1: a value is longer than"
            + " 16000000.",
      })
  void saysWhatIsWrongInOneSentence(String template, String sentence) {
    assertThatThrownBy(() -> render(template)).hasMessage(sentence);
  }

  @Test
  void namesTheLine() {
    assertThatThrownBy(() -> render("a\n{# two\nlines #}\n{% if true -%}\n\n{{ x.y }}{% endif %}"))
        .hasMessageContaining("line 6");
    assertThatThrownBy(() -> render("a\n\n{{ 1 +* 2 }}")).hasMessageContaining("line 3");
  }

  @Test
  void formatsTheTimeOfRendering() {
    assertThat(render("{{ strftime_now('%d %B %Y, %A %b %a %H:%M:%S %y %j %p %I %-d %% %F') }}"))
        .isEqualTo("26 July 2024, Friday Jul Fri 09:05:03 24 208 AM 09 26 % 2024-07-26");
  }

  @Test
  void countsSpansInCodePoints() {
    JinjaTemplate.Rendered rendered =
        JinjaTemplate.parse("🎉{% generation %}北🎉{% endgeneration %}!", Limits.STANDARD)
            .render(Map.of(), Clock.systemUTC());
    assertThat(rendered.text()).isEqualTo("🎉北🎉!");
    assertThat(rendered.generated()).containsExactly(new JinjaTemplate.Span(1, 3));
  }
}
