package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * What a template may spend bounds what it costs: whatever the sizes, an operation is paid for
 * before it is done, and time and memory grow no faster than what is charged.
 */
class OperationCostTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final int TRIES = 40;

  /** Steps, and what they bought. */
  private record Cost(long steps, long bytes, long nanoseconds, String end) {}

  private static Limits limits(long steps) {
    return new Limits(steps, 1_000, 150, 32_000_000, 16_000_000, 1_000_000, Duration.ofMinutes(1));
  }

  private static Cost measure(JinjaTemplate template, Map<String, Object> inputs, Limits limits) {
    Rendering rendering = new Rendering(limits, Clock.systemUTC());
    long thread = Thread.currentThread().getId();
    long bytes = THREADS.getThreadAllocatedBytes(thread);
    long start = THREADS.getCurrentThreadCpuTime();
    String end;
    try {
      end = template.render(inputs, rendering).text();
    } catch (TemplateException e) {
      end = e.getMessage();
    }
    return new Cost(
        rendering.steps(),
        THREADS.getThreadAllocatedBytes(thread) - bytes,
        THREADS.getCurrentThreadCpuTime() - start,
        end.length() > 99 ? end.substring(0, 99) : end);
  }

  /**
   * The first try that fits, or the last: code that the JVM has not compiled yet, on a machine
   * whose processors are busy, takes several times its time; what grows too fast does not fit at
   * any try.
   */
  private static Cost cost(
      String expression, Map<String, Object> inputs, Limits limits, Predicate<Cost> fits) {
    JinjaTemplate template =
        JinjaTemplate.parse("{% set x = " + expression + " %}", Limits.STANDARD);
    Cost cost = measure(template, inputs, limits);
    for (int i = 1; i < TRIES && !fits.test(cost); i++) {
      cost = measure(template, inputs, limits);
    }
    return cost;
  }

  private static Map<String, Object> inputs(int n) {
    Map<String, Object> inputs = new HashMap<>();
    Operations.inputs(n).forEach((name, value) -> inputs.put(name, Values.ofJson(value)));
    return inputs;
  }

  @Test
  void allOperationsAreKnown() {
    Set<String> wanted = new TreeSet<>();
    Filters.names().forEach(name -> wanted.add("filter " + name));
    Tests.names().forEach(name -> wanted.add("test " + name));
    StringMethods.names().forEach(name -> wanted.add("method " + name));
    Attributes.methods().forEach(name -> wanted.add("method " + name));
    Globals.all().keySet().forEach(name -> wanted.add("global " + name));
    assertThat(Operations.all().keySet()).containsAll(wanted);
  }

  @Test
  void nothingIsDoneBeforeItIsPaidFor() {
    Map<String, Object> inputs = inputs(100_000);
    // A text that is read is 1/8 step a character; 1,000 steps are not a twentieth of any input.
    Limits tight = limits(1_000);
    List<String> faults = new ArrayList<>();
    Predicate<Cost> fits = cost -> cost.bytes() <= 200_000 && cost.nanoseconds() <= 5_000_000;
    Operations.all()
        .forEach(
            (name, expressions) -> {
              for (String expression : expressions) {
                Cost cost = cost(expression, inputs, tight, fits);
                if (!fits.test(cost)) {
                  faults.add("\n" + name + ": " + expression + " " + cost);
                }
              }
            });
    assertThat(faults).isEmpty();
  }

  @Test
  void timeAndMemoryGrowWithWhatIsCharged() {
    List<String> faults = new ArrayList<>();
    Limits wide = limits(20_000_000);
    Predicate<Cost> fits =
        cost ->
            cost.bytes() <= 100_000 + 100 * cost.steps()
                && cost.nanoseconds() <= 5_000_000 + 400 * cost.steps();
    for (int n : new int[] {10_000, 40_000}) {
      Map<String, Object> inputs = inputs(n);
      Operations.all()
          .forEach(
              (name, expressions) -> {
                for (String expression : expressions) {
                  Cost cost = cost(expression, inputs, wide, fits);
                  if (!fits.test(cost)) {
                    faults.add("\n" + n + " " + name + ": " + expression + " " + cost);
                  }
                }
              });
    }
    assertThat(faults).isEmpty();
  }
}
