package io.plumbline.reward.answer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.plumbline.reward.Completions;
import io.plumbline.reward.ScoringException;
import io.plumbline.reward.answer.FinalAnswer.Extract;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerRewardTest {
  /** Expected and given, in the order in which a reader would say why. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        // GSM8K's own form, as a solution in the column and as a bare number.
        "Natalia sold 48/2 = <<48/2=24>>24 clips in May. #### 72 | She sold 72.",
        "72 | Natalia sold 48+24 = <<48+24=72>>72 clips altogether.\\n#### 72",
        "#### 70,000 | The profit is $70,000.",
        "70000 | #### 70,000",
        "-5 | #### -5",
        // Marks go before what stands elsewhere.
        "18 | 16-3-4 = 9 and 9*2 = \\boxed{18} of 200",
        "18 | \\boxed{ 18 }",
        "18 | \\boxed{18\\text{ dollars}}",
        "18 | \\boxed{\\$18.00}",
        "18 | \\boxed{x = 18}",
        "18 | $\\boxed{18}$ and so we are done with 3 ducks",
        "\\frac{3}{4} | \\boxed{\\frac{3}{4}}",
        "\\frac{3}{4} | \\boxed{0.75}",
        "0.75 | \\boxed{\\dfrac34}",
        "3/4 | The answer is 3/4.",
        "-3/4 | The answer is $-\\frac{3}{4}$.",
        "1.5 | \\boxed{1\\frac{1}{2}}",
        "7/4 | The answer is 1 3/4 cups.",
        "x^{2}+1 | \\boxed{x^{2}+1}",
        "(1, 2) | \\boxed{(1,2)}",
        "\\left(1, 2\\right) | \\boxed{(1, 2)}",
        // Sentences.
        "18 | The answer is 18.",
        "18 | The final answer is: **18**",
        "18 | **Answer:** 18 dollars",
        "18 | Answer: $18",
        "18 | So the answer is 16 - 3 + 5 = 18. I used 3 numbers.",
        "18 | The answer is 18 because 9 times 2 is that",
        "18 | A: 18",
        "18 | She makes 9 * 2 = $18 every day",
        "18 | it is 18",
        "18 | 18",
        "18 | 18.",
        "18 | 18.0",
        "18 | +18",
        "18 | <think>16 or 17</think> 18",
        "18 | <think>a</think><answer>18</answer> or 19",
        "18 | <answer>17</answer><answer>18 eggs</answer>",
        // Numbers in other writings.
        "1234567 | 1,234,567",
        "1,234,567 | 1234567",
        "1234.5 | 1,234.50",
        "1234 | 1\\,234",
        "1500 | 1.5 \\times 10^{3}",
        "0.002 | 2e-3",
        "15 | 15%",
        "15% | 15",
        "15% | 0.15",
        "0.15 | 15\\%",
        "−4 | -4",
        ".5 | 0.5",
        "0.3 | 0.30000000000000004",
        "3 | -5 + 8, which is 3",
        "20 | €20",
        "90 | 90^\\circ",
        "25 | 25 km/h",
        "12 | 12 cm^2",
        "12 | The area is 12 cm^2",
        "12 | The area is 12 cm^{2}.",
        "x + 1 | x+1",
        // Texts.
        "Paris | paris",
        "Paris | The answer is Paris.",
        "Paris | The answer is Paris, of course.",
        "B | \\boxed{\\text{B}}",
        "B | The answer is (B).",
        "yes | Yes!",
        "blue whale | Answer: Blue  whale",
      })
  void agrees(String expected, String text) {
    assertThat(
            Completions.value("answer", Completions.answering(expected, text.replace("\\n", "\n"))))
        .as(text)
        .isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "18 | 17",
        "18 | 180",
        "18 | 1.8",
        "18 | 18 of 20",
        "18 | The answer is 17, not 18",
        "18 | \\boxed{17} 18",
        "18 | \\boxed{18} and then \\boxed{17}",
        "18 | \\boxed{18 or 17}",
        "18 | \\boxed{}",
        "18 | -18",
        "-18 | 18",
        "18 | #### 18\\n#### 17",
        "18 | eighteen",
        "18 | x18",
        "18 | <think>it is 18",
        "18 | <think>18</think>",
        "18 | 18</think>",
        "3/4 | 3/5",
        "3/4 | 4/3",
        "1/3 | 0.333",
        "0.15 | 1.5%",
        "10000000000 | 10000000001",
        "123456789012345678901 | 123456789012345678902",
        "2 | \\boxed{x^2}",
        "2 | \\boxed{2x}",
        "1/0 | 1",
        "Paris | London",
        "Paris | Paris or London",
        "B | A",
        "x^{2}+1 | \\boxed{x^{2}-1}",
        "(1, 2) | \\boxed{(1, 3)}",
        "1234 | 1,23,4",
      })
  void disagrees(String expected, String text) {
    assertThat(
            Completions.value("answer", Completions.answering(expected, text.replace("\\n", "\n"))))
        .as(text)
        .isEqualTo(0);
  }

  /** The first rows of GSM8K's training split (MIT licence), their own solutions as completions. */
  @Test
  void agreesWithGsm8kItself() {
    List<String> solutions =
        List.of(
            "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72"
                + " clips altogether in April and May.\n#### 72",
            "Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\nWorking 50 minutes, she earned 0.2 x"
                + " 50 = $<<0.2*50=10>>10.\n#### 10",
            "In the beginning, Betty has only 100 / 2 = $<<100/2=50>>50.\nBetty's grandparents gave"
                + " her 15 * 2 = $<<15*2=30>>30.\nThis means, Betty needs 100 - 50 - 30 - 15 ="
                + " $<<100-50-30-15=5>>5 more.\n#### 5");
    for (String solution : solutions) {
      for (String completion : solutions) {
        double expected = solution.equals(completion) ? 1 : 0;
        String withoutMark = completion.substring(0, completion.indexOf("\n####"));
        assertThat(Completions.value("answer", Completions.answering(solution, completion)))
            .isEqualTo(expected);
        assertThat(
                Completions.value(
                    "answer{\"extract\":\"last_number\"}",
                    Completions.answering(
                        solution, withoutMark.replaceAll("<<[^>]*>>", "").replace(" more.", "."))))
            .isEqualTo(expected);
      }
    }
  }

  @Test
  void takesOnlyTheMarkThatIsAskedFor() {
    assertThat(
            Completions.value(
                "answer{\"extract\":\"boxed\"}", Completions.answering("18", "the answer is 18")))
        .isEqualTo(0);
    assertThat(
            Completions.value(
                "answer{\"extract\":\"hashes\"}", Completions.answering("18", "\\boxed{18}")))
        .isEqualTo(0);
    assertThat(
            Completions.value(
                "answer{\"extract\":\"last_number\"}",
                Completions.answering("18", "\\boxed{17}, no, 18!")))
        .isEqualTo(1);
    assertThat(
            Completions.value(
                "answer{\"extract\":\"whole\"}", Completions.answering("18", "it is 18")))
        .isEqualTo(0);
  }

  @Test
  void readsNumbersListsAndOtherColumns() {
    String spec = "answer{\"column\":\"target\",\"reward\":2,\"penalty\":-1}";
    assertThat(Completions.value(spec, Completions.of(Map.of("target", 18), "18"))).isEqualTo(2);
    assertThat(Completions.value(spec, Completions.of(Map.of("target", 18.0), "18.0")))
        .isEqualTo(2);
    assertThat(Completions.value(spec, Completions.of(Map.of("target", List.of("a", 18)), "18")))
        .isEqualTo(2);
    assertThat(
            Completions.value(spec, Completions.of(Map.of("target", true), "The answer is true")))
        .isEqualTo(2);
    assertThat(Completions.value(spec, Completions.of(Map.of("target", 18), "19"))).isEqualTo(-1);
    Map<String, Object> nested = Map.of("model", Map.of("truth", Arrays.asList("18", null)));
    assertThat(
            Completions.value(
                "answer{\"column\":\"model.truth\"}", Completions.of(nested, "It is 18.0")))
        .isEqualTo(1);
  }

  @Test
  void tolerancesAreAbsoluteAndRelative() {
    assertThat(
            Completions.value(
                "answer{\"tolerance\":0.01}", Completions.answering("3.14159", "3.14")))
        .isEqualTo(1);
    assertThat(
            Completions.value(
                "answer{\"tolerance\":0.001}", Completions.answering("3.14159", "3.14")))
        .isEqualTo(0);
    assertThat(
            Completions.value(
                "answer{\"relative_tolerance\":0.01}", Completions.answering("1000", "1009")))
        .isEqualTo(1);
  }

  @Test
  void aMissingColumnIsAFailureUnlessItMayBeMissing() {
    assertThatThrownBy(() -> Completions.value("answer", Completions.of("18")))
        .isInstanceOf(ScoringException.class)
        .hasMessage("the row has no value in the column answer; it has the columns prompt");
    assertThat(Completions.reward("answer{\"missing\":\"skip\"}", Completions.of("18")).value())
        .isEmpty();
  }

  /** A model in training writes anything; a second is hundreds of times what these should take. */
  @Test
  @Timeout(value = 300, unit = TimeUnit.SECONDS)
  void longTextsTakeLittleTime() {
    List<String> pieces =
        List.of(
            "1",
            "1,",
            "1,111,",
            "1/",
            "1 ",
            "-",
            "$",
            "\\frac{1}",
            "\\boxed{",
            "{",
            "####",
            "answer is ",
            "answer",
            "A:",
            "**",
            ".",
            " ",
            "\n",
            "<think>",
            "<answer>",
            "e1",
            "%",
            "1\\frac{1}{1}",
            "\\text{",
            "x=",
            "}",
            "111 ",
            "111 1111 ",
            "\\sqrt{",
            "(",
            "]1,",
            "^",
            "2^",
            "$$",
            "\\[",
            "\\boxed{1}",
            "½",
            "\\pm ");
    for (String piece : pieces) {
      String text = piece.repeat(100_000 / piece.length());
      long start = cpuNanos();
      for (String expected : List.of("18", "a text")) {
        for (Extract extract : Extract.values()) {
          ExpectedAnswer.of(expected).isIn(text, extract, Tolerance.EXACT);
        }
      }
      ExpectedAnswer.of(text);
      assertThat(Duration.ofNanos(cpuNanos() - start)).as(piece).isLessThan(Duration.ofSeconds(5));
    }
  }

  /** Of this thread: other work on the machine does not count. */
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  @FuzzTest(maxDuration = "20s")
  void anyTextHasAnAnswerOrNone(FuzzedDataProvider data) {
    String expected = data.consumeString(40);
    check(expected, data.consumeRemainingAsString());
  }

  /** Pieces of answers in any order get further than noise does. */
  @Test
  void anyMixOfPiecesHasAnAnswerOrNone() {
    long seed = Long.getLong("plumbline.fuzz.seed", System.nanoTime());
    System.out.println("repeat with -Dplumbline.fuzz.seed=" + seed);
    Random random = new Random(seed);
    String[] pieces = {
      "\\boxed{",
      "}",
      "{",
      "\\frac",
      "\\frac{1}{2}",
      "####",
      "answer is",
      "18",
      "1,234",
      ".",
      "-",
      "−",
      "%",
      "$",
      "/",
      "0",
      " ",
      "\n",
      "<think>",
      "</think>",
      "<answer>",
      "</answer>",
      "\\text{",
      "e9",
      "\\times 10^{",
      "𝟛",
      "x=",
      "Paris",
      "\\",
      "(",
      "[1]"
    };
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(12); n >= 0; n--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      String expected =
          pieces[random.nextInt(pieces.length)] + pieces[random.nextInt(pieces.length)];
      try {
        check(expected, text.toString());
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + expected + " in " + text, e);
      }
    }
  }

  private static void check(String expected, String text) {
    ExpectedAnswer answer = ExpectedAnswer.of(expected);
    for (Extract extract : Extract.values()) {
      answer.isIn(text, extract, Tolerance.EXACT);
    }
    // Whatever stands in a closed box alone is found.
    if (expected.matches("[\\w ./-]*")) {
      assertThat(answer.isIn("\\boxed{" + expected + "}", Extract.BOXED, Tolerance.EXACT)).isTrue();
    }
  }
}
