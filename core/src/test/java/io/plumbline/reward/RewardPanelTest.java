package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RewardPanelTest {
  private static final List<Completion> THREE =
      List.of(Completions.of("one"), Completions.of("bad secret"), Completions.of("three"));

  private static RewardPanel panel(String... specs) {
    return RewardPanel.open(Arrays.stream(specs).map(RewardSpec::parse).toList(), Storage.local());
  }

  private static String spec(Class<?> type, String options) {
    return type.getName() + options;
  }

  /** The number of characters. */
  public static final class Characters implements RewardFunction {
    static final AtomicInteger CLOSED = new AtomicInteger();

    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream().map(c -> Reward.of(c.text().length())).toList();
    }

    @Override
    public void close() {
      CLOSED.incrementAndGet();
    }
  }

  /** Does what its option says to a completion that begins with bad. */
  public static final class Faulty implements RewardFunction {
    private final String fault;

    public Faulty(ObjectNode options) {
      this.fault = options.path("fault").asText();
    }

    @Override
    public List<Reward> score(List<Completion> completions) throws IOException {
      List<Reward> rewards = new ArrayList<>();
      for (Completion completion : completions) {
        boolean bad = completion.text().startsWith("bad");
        if (!bad || fault.equals("short")) {
          rewards.add(Reward.of(1));
          continue;
        }
        switch (fault) {
          case "nan" -> rewards.add(Reward.of(Double.NaN));
          case "infinite" -> rewards.add(Reward.of(Double.NEGATIVE_INFINITY));
          case "null" -> rewards.add(null);
          case "none" -> rewards.add(Reward.notApplicable());
          case "steps" -> rewards.add(steps(new Reward.Step(3, 1), new Reward.Step(2, 1)));
          case "long step" -> rewards.add(steps(new Reward.Step(300, 1)));
          case "exception" -> throw new IOException("cannot read " + completion.text());
          case "number" -> rewards.add(Reward.of(Integer.parseInt(completion.text())));
          case "error" -> throw new NoClassDefFoundError("com/acme/Missing");
          case "deep" -> rewards.add(Reward.of(endless(0)));
          default -> throw new AssertionError(fault);
        }
      }
      return fault.equals("short") ? rewards.subList(1, rewards.size()) : rewards;
    }

    private static Reward steps(Reward.Step... steps) {
      return Reward.ofSteps(List.of(steps));
    }

    private static int endless(int n) {
      return n < 0 ? 0 : endless(n + 1) + 1;
    }
  }

  /** Hangs at a completion that begins with bad, and does not care for interrupts. */
  public static final class Deaf implements RewardFunction {
    static final CountDownLatch RELEASE = new CountDownLatch(1);
    static final CountDownLatch CLOSED = new CountDownLatch(1);

    @Override
    public List<Reward> score(List<Completion> completions) {
      if (completions.stream().anyMatch(c -> c.text().startsWith("bad"))) {
        boolean released = false;
        while (!released) {
          try {
            released = RELEASE.await(60, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            // Continues.
          }
        }
      }
      return completions.stream().map(c -> Reward.of(7)).toList();
    }

    @Override
    public void close() {
      CLOSED.countDown();
    }
  }

  /** Throws at a batch, then takes its time with single completions. */
  public static final class Slow implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) throws Exception {
      if (completions.size() > 1) {
        throw new IllegalStateException("one at a time");
      }
      if (!completions.get(0).text().equals("one")) {
        Thread.sleep(60_000);
      }
      return List.of(Reward.of(1));
    }
  }

  @Test
  void asksEveryFunctionAndKeepsTheirOrder() {
    Characters.CLOSED.set(0);
    try (RewardPanel panel =
        panel(
            spec(Characters.class, "{\"weight\":0.25}"),
            "regex{\"pattern\":\"^t\",\"name\":\"starts\"}")) {
      assertThat(panel.names()).containsExactly("Characters", "starts");
      assertThat(panel.weights()).containsExactly(0.25, 1);
      List<ScoredCompletion> scored = panel.score(THREE);

      assertThat(scored.get(0).rewards()).containsExactly(3, 0);
      assertThat(scored.get(2).rewards()).containsExactly(5, 1);
      assertThat(scored).allMatch(s -> s.failure().isEmpty());
      assertThat(scored.get(0).steps()).containsExactly(List.of(), List.of());
      assertThat(panel.score(List.of())).isEmpty();
    }
    assertThat(Characters.CLOSED).hasValue(1);
  }

  @Test
  void marksOnlyTheCulprit() {
    for (String[] fault :
        new String[][] {
          {"nan", "Faulty: gave NaN"},
          {"infinite", "Faulty: gave -Infinity"},
          {"null", "Faulty: gave null"},
          {"steps", "not in the order of the text"},
          {"long step", "ends behind the end of the text"},
          {"exception", "threw java.io.IOException in io.plumbline.reward.RewardPanelTest"},
          {
            "number", "threw java.lang.NumberFormatException in io.plumbline.reward.RewardPanelTest"
          },
          {"error", "threw java.lang.NoClassDefFoundError"},
          {"deep", "threw java.lang.StackOverflowError"},
        }) {
      try (RewardPanel panel =
          panel(
              spec(Faulty.class, "{\"fault\":\"" + fault[0] + "\"}"), spec(Characters.class, ""))) {
        List<ScoredCompletion> scored = panel.score(THREE);

        assertThat(scored.get(0).rewards()).containsExactly(1, 3);
        assertThat(scored.get(2).rewards()).containsExactly(1, 5);
        assertThat(scored.get(1).rewards()).as(fault[0]).containsExactly(Double.NaN, 10);
        assertThat(scored.get(0).failure()).isEmpty();
        assertThat(scored.get(2).failure()).isEmpty();
        assertThat(scored.get(1).failure().orElseThrow())
            .contains(fault[1])
            .doesNotContain("secret");
      }
    }
  }

  @Test
  void nothingToSayIsNoFailure() {
    try (RewardPanel panel = panel(spec(Faulty.class, "{\"fault\":\"none\"}"))) {
      ScoredCompletion bad = panel.score(THREE).get(1);

      assertThat(bad.rewards()).containsExactly(Double.NaN);
      assertThat(bad.failure()).isEmpty();
    }
  }

  @Test
  void aWrongNumberOfRewardsMarksAll() {
    try (RewardPanel panel = panel(spec(Faulty.class, "{\"fault\":\"short\"}"))) {
      assertThat(panel.score(THREE))
          .allMatch(s -> s.failure().orElse("").equals("Faulty: gave 2 rewards for 3 completions"));
    }
  }

  @Test
  void aFunctionThatHangsIsLeftAloneAndReplaced() throws Exception {
    try (RewardPanel panel =
        panel(spec(Deaf.class, "{\"timeout\":0.3}"), spec(Characters.class, ""))) {
      long start = System.nanoTime();
      List<ScoredCompletion> scored = panel.score(THREE);

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
      assertThat(scored)
          .allMatch(
              s ->
                  s.failure().orElse("").equals("Deaf: gave no reward within 0.3 s")
                      && Double.isNaN(s.rewards()[0])
                      && s.rewards()[1] > 0);
      assertThat(panel.score(THREE.subList(0, 1)).get(0).rewards()).containsExactly(7, 3);
    }
    Deaf.RELEASE.countDown();
    assertThat(Deaf.CLOSED.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whatWasScoredBeforeTheDeadlineStays() {
    try (RewardPanel panel = panel(spec(Slow.class, "{\"timeout\":1}"))) {
      List<ScoredCompletion> scored = panel.score(THREE);

      assertThat(scored.get(0).rewards()).containsExactly(1);
      assertThat(scored.get(1).failure()).contains("Slow: gave no reward within 1 s");
      assertThat(scored.get(2).failure()).contains("Slow: gave no reward within 1 s");
    }
  }

  @Test
  void anInterruptEndsTheWait() {
    try (RewardPanel panel = panel(spec(Slow.class, ""), spec(Characters.class, ""))) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> panel.score(THREE))
          .isInstanceOf(PlumblineException.class)
          .satisfies(
              e -> assertThat(((PlumblineException) e).code()).isEqualTo(ErrorCode.INTERRUPTED));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(panel.score(THREE.subList(0, 1)).get(0).rewards()).containsExactly(1, 3);
    }
  }

  @Test
  void saysWhyAClassCannotBeUsed() {
    assertThatThrownBy(() -> panel(spec(Characters.class, "{\"threshold\":1}")))
        .hasMessageContaining("takes no options")
        .hasMessageContaining("threshold");
    assertThatThrownBy(() -> panel(spec(OneByOne.class, ""))).hasMessageContaining("is no reward");
  }

  /** As Spark does with the jars of --jars: a class loader that only this thread knows. */
  @Test
  void findsClassesAndFactoriesThroughTheContextClassLoader(@TempDir Path temp) throws Exception {
    Path source = temp.resolve("Doubled.java");
    Files.writeString(
        source,
        """
        import com.fasterxml.jackson.databind.node.ObjectNode;
        import io.plumbline.reward.*;
        import io.plumbline.storage.Storage;
        import java.util.List;

        public class Doubled implements RewardFunctionFactory {
          public String kind() { return "doubled"; }
          public RewardFunction create(ObjectNode options, Storage storage) { return new Own(); }
          public static class Own implements RewardFunction {
            public List<Reward> score(List<Completion> completions) throws Exception {
              Thread.currentThread().getContextClassLoader().loadClass("Doubled");
              return completions.stream().map(c -> Reward.of(2 * c.text().length())).toList();
            }
          }
        }
        """);
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-d",
                temp.toString(),
                "-cp",
                System.getProperty("java.class.path"),
                source.toString());
    assertThat(failed).isZero();
    Path services = Files.createDirectories(temp.resolve("META-INF/services"));
    Files.writeString(services.resolve("io.plumbline.reward.RewardFunctionFactory"), "Doubled\n");
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {temp.toUri().toURL()}, before)) {
      Thread.currentThread().setContextClassLoader(loader);
      try (RewardPanel panel =
          panel("doubled", "class{\"class\":\"Doubled$Own\"}", "regex{\"pattern\":\"o\"}")) {
        assertThat(panel.score(THREE).get(0).rewards()).containsExactly(6, 6, 1);
      }
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
    assertThatThrownBy(() -> panel("doubled")).hasMessageContaining("There is no reward doubled");
  }
}
