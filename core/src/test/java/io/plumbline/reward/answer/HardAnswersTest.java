package io.plumbline.reward.answer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.reward.answer.FinalAnswer.Extract;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reward {@code answer} on a table of hard cases and on GSM8K, beside math-verify. */
class HardAnswersTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * @param other why math-verify says otherwise; empty where it does not
   */
  private record Case(String right, String completion, boolean paid, Optional<String> other) {
    boolean isPaid() {
      return ExpectedAnswer.of(unescaped(right))
          .isIn(unescaped(completion), Extract.AUTO, Tolerance.EXACT);
    }

    /** A \n is a line end, and not where it begins a command of LaTeX. */
    private static String unescaped(String text) {
      return text.replaceAll("\\\\n(?![a-z])", "\n");
    }

    String line() {
      return right + "\t" + completion;
    }
  }

  private static List<Case> table() throws IOException {
    try (InputStream in = HardAnswersTest.class.getResourceAsStream("hard-answers.tsv")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("# ") && !line.isEmpty())
          .map(line -> line.split("\t", -1))
          .map(
              f ->
                  new Case(
                      f[0],
                      f[1],
                      f[2].equals("1"),
                      f.length > 3 ? Optional.of(f[3]) : Optional.empty()))
          .toList();
    }
  }

  @Test
  void paysWhatIsRightAndNothingElse() throws Exception {
    List<Case> table = table();
    assertThat(table).hasSizeGreaterThan(240);
    assertThat(table.stream().filter(one -> one.isPaid() != one.paid()).map(Case::line).toList())
        .isEmpty();
  }

  @Test
  void agreesWithMathVerifyExceptWhereTheTableSaysWhyNot(@TempDir Path work) throws Exception {
    List<Case> table = table();
    List<Boolean> verdicts = mathVerify(work, table);
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < table.size(); i++) {
      if ((table.get(i).paid() == verdicts.get(i)) == table.get(i).other().isPresent()) {
        wrong.add(table.get(i).line());
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static List<Boolean> mathVerify(Path work, List<Case> cases) throws Exception {
    Path file = work.resolve("answers.tsv");
    Files.write(file, cases.stream().map(Case::line).toList());
    List<Boolean> verdicts = new ArrayList<>();
    PythonPeer.run(work, "check_answers.py", file.toString())
        .forEach(one -> verdicts.add(one.asBoolean()));
    assertThat(verdicts).hasSameSizeAs(cases);
    return verdicts;
  }

  private static List<JsonNode> gsm8k(String file) throws IOException {
    Optional<Path> rows = Fixtures.shared("data/gsm8k/" + file);
    assumeTrue(rows.isPresent(), "../shared/data/gsm8k is not there");
    List<JsonNode> parsed = new ArrayList<>();
    for (String line : Files.readAllLines(rows.get())) {
      parsed.add(JSON.readTree(line));
    }
    return parsed;
  }

  /** 5,276 solutions of four models, each with whether people found it right. */
  @Test
  void agreesWithTheVerdictsOnGsm8ksModelSolutions() throws Exception {
    List<String> wrong = new ArrayList<>();
    int solutions = 0;
    for (JsonNode row : gsm8k("example_model_solutions.jsonl")) {
      ExpectedAnswer expected = ExpectedAnswer.of(row.get("ground_truth").asText());
      for (String model :
          List.of("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")) {
        JsonNode solution = row.get(model);
        String text = solution.get("solution").asText();
        solutions++;
        if (expected.isIn(text, Extract.AUTO, Tolerance.EXACT)
            != solution.get("is_correct").asBoolean()) {
          wrong.add(expected.text() + " in " + text);
        }
      }
    }
    assertThat(solutions).isEqualTo(5_276);
    assertThat(wrong).isEmpty();
  }

  @Test
  void everySolutionOfGsm8kIsRightAndQuicklyFoundToBe() throws Exception {
    List<JsonNode> rows = gsm8k("train.jsonl");
    long start = System.nanoTime();
    for (JsonNode row : rows) {
      String solution = row.get("answer").asText();
      ExpectedAnswer expected = ExpectedAnswer.of(solution);
      assertThat(expected.reading().isNumber()).as(solution).isTrue();
      assertThat(expected.isIn(solution, Extract.AUTO, Tolerance.EXACT)).as(solution).isTrue();
    }
    assertThat(rows).hasSize(7_473);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(60));
  }

  @Test
  void agreesWithMathVerifyOnGsm8kInOtherWritings(@TempDir Path work) throws Exception {
    List<Case> cases = new ArrayList<>();
    List<JsonNode> rows = gsm8k("train.jsonl");
    for (int i = 0; i < rows.size(); i += 40) {
      String solution = rows.get(i).get("answer").asText();
      String number = solution.substring(solution.lastIndexOf("####") + 4).strip().replace(",", "");
      Stream.of(
              "\\boxed{%s}",
              "The answer is %s.",
              "So she has %s dollars",
              "#### %s",
              "\\boxed{\\$%s}",
              "\\boxed{%s \\text{ apples}}",
              "\\boxed{%s.0}",
              "\\boxed{x = %s}",
              "$\\frac{%s}{1}$",
              "**%s**",
              // Near misses.
              "\\boxed{1%s}",
              "\\boxed{%s1}",
              "\\boxed{-%s}",
              "\\boxed{%s.5}",
              "\\boxed{%sx}",
              "The answer is %s0.",
              "\\boxed{\\frac{%s}{7}}")
          .map(writing -> writing.replace("%s", number))
          .forEach(text -> cases.add(new Case(number, text, false, Optional.empty())));
    }
    List<Boolean> verdicts = mathVerify(work, cases);
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < cases.size(); i++) {
      if (cases.get(i).isPaid() != verdicts.get(i)) {
        wrong.add(verdicts.get(i) + ": " + cases.get(i).line());
      }
    }
    assertThat(cases).hasSizeGreaterThan(3_000);
    assertThat(wrong).isEmpty();
  }
}
