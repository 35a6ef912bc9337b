package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.plumbline.jinja.TemplateException.Code;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Templates that hang or fill the memory of what counts evaluated nodes alone: each ends, soon and
 * within a small heap.
 */
class HostileTemplatesTest {
  private static final Limits LIMITS = Limits.STANDARD;

  private static String grown(String start, String step, int times, String end) {
    return "{% set n = namespace(t="
        + start
        + ") %}{% for i in range("
        + times
        + ") %}{% set n.t = "
        + step
        + " %}{% endfor %}"
        + end;
  }

  static List<String> templates() {
    return List.of(
        // Formats: work by width and precision.
        "{{ '%.999f' % 5e-324 }}",
        "{{ ('%.999f' * 9000) % ((1e308,) * 9000) }}",
        "{{ ('{}' * 8000000).format(*range(99999)) }}",
        "{% for i in range(99999) %}{% set x = '%.999f' % 1e308 %}{% endfor %}",
        // Keys of nested tuples.
        grown("()", "(n.t, n.t)", 40, "{{ n.t in {} }}"),
        grown("()", "(n.t, n.t)", 40, "{{ {n.t: 1} }}"),
        grown("()", "(n.t, n.t)", 40, "{{ [n.t]|unique|list }}"),
        grown("()", "(n.t, n.t)", 40, "{{ n.t is filter }}"),
        grown("[]", "[n.t, n.t]", 40, "{{ n.t }}"),
        grown("[]", "[n.t, n.t]", 40, "{{ n.t|tojson }}"),
        grown("[]", "[n.t, n.t]", 40, "{{ n.t == [n.t[0], n.t[0] + []] }}"),
        grown("''", "n.t|map('upper')", 9000, "{{ n.t|list }}"),
        // Searches, splits, strips.
        "{{ ('<!--' * 1000000)|striptags }}",
        "{{ ('<' * 16000000)|striptags|length }}",
        "{{ ('a'*8000000 ~ 'b') in ('a'*16000000) }}",
        "{{ ('a'*9000000).find('a'*4000000 ~ 'b') }}",
        "{{ ('a'*9000000).count('a'*1000 ~ 'b') }}",
        "{{ ('a'*9000000).replace('a'*4000000 ~ 'b', '') | length }}",
        "{{ ('a'*9000000).split('a'*4000000 ~ 'b') | length }}",
        "{{ ('a'*16000000).strip('b'*7000000 ~ 'a') }}",
        "{{ ('ab'*4000000)|trim('b'*7000000 ~ 'a') }}",
        // Letters whose case takes the whole text.
        "{{ ('ß' * 2000000)|upper|length }}",
        "{{ ('Σ' * 2000000)|lower|length }}",
        "{{ ('aΣ' ~ '.' * 2000000 ~ 'Σ').title()|length }}",
        "{{ ('İ' * 2000000)|lower|length }}",
        // Numbers.
        "{{ ('f'*16000000)|int(base=16) }}",
        "{{ ('9'*16000000)|int }}",
        "{{ ('1_'*4000000 ~ 'x')|float }}",
        "{{ ['x']|map(attribute='9'*9000000)|list }}",
        "{% for i in range(99999) %}{% for j in range(99) %}{% set x = 2.2250738585072011e-308 ~ ''"
            + " %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% set x = 2**62 < 5e-324 %}{% set x = 3**39 / 7**22 %}{%"
            + " endfor %}",
        "{% for i in range(99999) %}{% for j in range(99) %}{% set x = 1**9223372036854775807 %}"
            + "{% endfor %}{% endfor %}",
        // What is looked at again and again.
        "{% set s = '北' * 8000000 %}{% for i in range(99999) %}{% if s %}{% set x = s|length %}{%"
            + " endif %}{% endfor %}",
        "{% set s = 'a' * 8000000 %}{% set t = 'a' * 8000000 %}{% for i in range(99999) %}{% set x"
            + " = s == t %}{% endfor %}",
        "{% set s = '北' * 8000000 %}{% for i in range(99999) %}{% set x = s[7000000] %}{% set x ="
            + " s[:1] %}{% endfor %}",
        "{% set d = dict(range(90000)|batch(2)) %}{% for i in range(99999) %}{% for x in d.items()"
            + " %}{% break %}{% endfor %}{% endfor %}",
        "{% set s = 'k' * 4000000 %}{% for i in range(99999) %}{% set x = {}[s] %}{% set x ="
            + " messages[s] %}{% endfor %}",
        "{% set s = '%c' * 4000000 %}{{ strftime_now(s)|length }}",
        "{{ ['']|selectattr('a.' * 4000000)|list }}",
        "{{ [{}]|sort(attribute='a,' * 2000000) }}",
        "{{ ('a' * 8000000).startswith(('a' * 7999999 ~ 'b',) * 100000) }}",
        "{% for i in range(99999) %}{{ ('\\x01' * 900000)|tojson|length }}{% endfor %}",
        "{% for i in range(99999) %}{{ ['\\x01' * 900000]|string|length }}{% endfor %}",
        "{{ ('北' * 8000000)|urlencode|length }}",
        // Memory.
        "{{ ('北' * 8000000)|list|length }}",
        "{{ ('a ' * 8000000).split()|length }}",
        "{{ ('a\\n' * 8000000).splitlines()|length }}",
        "{{ range(99999)|slice(9000000)|list|length }}",
        "{% set n = namespace(l=[]) %}{% for i in range(99999) %}{% set n.l = [n.l,"
            + " dict(range(20000)|batch(2))] %}{% endfor %}",
        grown("()", "(n.t, [[],[],[],[],[],[],[],[],[],[],[],[],[],[]])", 99999, "")
            + "{% for i in range(99999) %}"
            + grown("()", "(n.t, {}, {}, {}, {}, {}, missing,  'a'.upper, [].copy)", 99999, "")
            + "{% endfor %}",
        "{% set n = namespace(l=[]) %}{% for i in range(99999) %}{% for j in range(99999) %}{% set"
            + " n.l = (n.l, 'a'.upper, 'b'.lower, 'c'.strip, missing, absent, 'x'|map('upper'),"
            + " cycler(1)) %}{% endfor %}{% endfor %}",
        "{% macro m(k) %}{{ '北' * 2000000 }}{% if k > 0 %}{{ m(k - 1) }}{% endif %}{% endmacro %}{{"
            + " m(30) }}",
        "{% for i in range(99999) %}{{ '北' * 2000000 }}{% endfor %}",
        "{{ range(99999)|join('北' * 100000) }}",
        // Scopes.
        "{% for i in range(99999) %}{% if false %}" + names(20_000) + "{% endif %}{% endfor %}",
        "{% macro m("
            + parameters(20_000)
            + ") %}{% endmacro %}{% for i in range(99999) %}{{ m() }}{% endfor %}");
  }

  private static String names(int count) {
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < count; i++) {
      names.append("{% set v").append(i).append(" = 1 %}");
    }
    return names.toString();
  }

  private static String parameters(int count) {
    StringBuilder names = new StringBuilder("q");
    for (int i = 0; i < count; i++) {
      names.append(",v").append(i);
    }
    return names.toString();
  }

  /** Sources that cost much to parse for their length. */
  static List<String> sources() {
    return List.of(
        // Every if copies what the names before it mean.
        names(20_000) + "{% if a %}{% endif %}".repeat(20_000),
        "{% if a %}" + "{% elif b %}{% set c = 1 %}".repeat(30_000) + "{% endif %}",
        "{% macro m() %}".repeat(140) + names(30_000) + "{% endmacro %}".repeat(140),
        "{% for a in b %}".repeat(140) + names(30_000) + "{% endfor %}".repeat(140),
        "{{ [" + "1,".repeat(450_000) + "] }}",
        "{{ [" + "9".repeat(4_300) + ",".concat("9".repeat(4_300)).repeat(200) + "] }}",
        "{{ '" + "\\\\é".repeat(300_000) + "' }}",
        "{{ 1" + " < 1".repeat(200_000) + " }}",
        "{{ " + "'a' ".repeat(200_000) + " }}",
        "{% raw %}" + "{% ".repeat(300_000),
        "{#" + "-".repeat(900_000),
        "{{ 1." + "1".repeat(900_000) + " }}",
        "{{ a" + ".a".repeat(300_000) + " }}",
        "{{ f(" + "a=1,".repeat(200_000) + ") }}",
        "{{ {" + "a:b,".repeat(200_000) + "} }}",
        "{{ " + "(".repeat(900_000),
        "{% set " + "a,".repeat(200_000) + "a = b %}",
        "{%- set a = 1 -%}  ".repeat(40_000));
  }

  private static long cpu(Runnable work) {
    long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    work.run();
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start;
  }

  /** Renders, and takes a text or a failure for an end. */
  private static void end(String source) {
    try {
      JinjaTemplate.parse(source, LIMITS)
          .render(Map.of("messages", List.of(Map.of("role", "user"))), Clock.systemUTC());
    } catch (TemplateException e) {
      if (e.code() == Code.INTERRUPTED) {
        throw e;
      }
    }
  }

  @ParameterizedTest
  @MethodSource({"templates", "sources"})
  void endsSoon(String source) {
    // The clock on the wall is for a hang alone: the machine may have more to do.
    long spent = assertTimeoutPreemptively(Duration.ofSeconds(60), () -> cpu(() -> end(source)));
    assertThat(Duration.ofNanos(spent)).isLessThan(Duration.ofSeconds(3));
  }

  /** All of them in a process with a heap of 512 MB. */
  public static void main(String[] arguments) {
    for (List<String> sources : List.of(templates(), sources())) {
      for (String source : sources) {
        try {
          end(source);
        } catch (OutOfMemoryError e) {
          System.out.println(
              "out of memory: " + source.substring(0, Math.min(200, source.length())));
        }
      }
    }
    System.out.println("ended");
  }

  @Test
  void aHeapOf512MegabytesIsEnough(@TempDir Path directory) throws Exception {
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                HostileTemplatesTest.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(300, TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(log).strip()).isEqualTo("ended");
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void theClockEndsWhatStepsAllow() {
    Limits impatient =
        new Limits(Long.MAX_VALUE / 4, 1_000, 150, 1_000, 1_000, 1_000, Duration.ofMillis(50));
    String source =
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
    // Classes are loaded once, on a busy machine in more time than this template has.
    JinjaTemplate.parse(source, LIMITS);
    JinjaTemplate template = JinjaTemplate.parse(source, impatient);
    assertThatThrownBy(() -> template.render(Map.of(), Clock.systemUTC()))
        .isInstanceOfSatisfying(
            TemplateException.class, e -> assertThat(e.code()).isEqualTo(Code.TIMEOUT))
        .hasMessage("The chat template was stopped at line 1: it takes longer than 0.05 s.");
  }

  @Test
  void aThreadThatIsToStopDoes() {
    JinjaTemplate template =
        JinjaTemplate.parse(
            "{% for i in range(99999) %}{% for j in range(9) %}{% endfor %}{% endfor %}", LIMITS);
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> template.render(Map.of(), Clock.systemUTC()))
          .isInstanceOfSatisfying(
              TemplateException.class, e -> assertThat(e.code()).isEqualTo(Code.INTERRUPTED));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
