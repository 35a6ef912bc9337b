package io.plumbline.spark.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.spark.reference.LocalSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The SQL of docs/ledger.md, as it stands there, on a run that went wrong. */
class LedgerQueriesTest {
  private static final Pattern QUERY =
      Pattern.compile("### ([^\n]+)\n(?:(?!###).)*?```sql\n(.*?)```", Pattern.DOTALL);
  private static final String OPEN = "Open a ledger";

  @TempDir static Path directory;

  private static Map<String, String> queries;
  private static SparkSession spark;

  @BeforeAll
  static void openThePlantedRun() throws IOException {
    queries = read();
    String ledger = directory.resolve("ledger").toString();
    PlantedRun.write(ledger);
    spark = LocalSpark.session();
    spark.sql(queries.get(OPEN).replace("OUTPUT/ledger", ledger));
  }

  private static Map<String, String> read() throws IOException {
    String page = Files.readString(Fixtures.root().resolve("docs/ledger.md"));
    Map<String, String> found = new LinkedHashMap<>();
    Matcher matcher = QUERY.matcher(page);
    while (matcher.find()) {
      found.put(matcher.group(1), matcher.group(2));
    }
    assertThat(found)
        .as("every query has a heading of its own")
        .hasSize(page.split("```sql").length - 1);
    return found;
  }

  /** What each query must say of the planted run. */
  private static final Map<String, Consumer<List<Row>>> FINDINGS =
      Map.ofEntries(
          Map.entry("Reward by length", LedgerQueriesTest::rewardByLength),
          Map.entry("Hardest prompts", LedgerQueriesTest::hardestPrompts),
          Map.entry("Groups without spread", LedgerQueriesTest::groupsWithoutSpread),
          Map.entry("Drift of length", LedgerQueriesTest::driftOfLength),
          Map.entry("Costs", LedgerQueriesTest::costs),
          Map.entry("Failures", LedgerQueriesTest::failures),
          Map.entry("One reward up while another falls", LedgerQueriesTest::oneUpOneDown),
          Map.entry("Length explosion", LedgerQueriesTest::lengthExplosion),
          Map.entry("Near-duplicate completions", LedgerQueriesTest::nearDuplicates),
          Map.entry("Variety of completions", LedgerQueriesTest::variety),
          Map.entry("A saturating reward function", LedgerQueriesTest::saturation),
          Map.entry("High reward far from the reference", LedgerQueriesTest::farFromTheReference),
          Map.entry("What to read", LedgerQueriesTest::whatToRead));

  static Stream<String> headings() throws IOException {
    return read().keySet().stream().filter(heading -> !heading.equals(OPEN));
  }

  @Test
  void everyQueryHasAFinding() {
    assertThat(queries.keySet()).contains(OPEN).containsAll(FINDINGS.keySet());
    assertThat(FINDINGS).hasSize(queries.size() - 1);
  }

  @ParameterizedTest
  @MethodSource("headings")
  void theQueryFindsWhatWasPlanted(String heading) {
    List<Row> rows = spark.sql(queries.get(heading)).collectAsList();

    assertThat(rows).isNotEmpty();
    FINDINGS.get(heading).accept(rows);
  }

  private static double number(Row row, String column) {
    return ((Number) row.getAs(column)).doubleValue();
  }

  private static double[] column(List<Row> rows, String column) {
    return rows.stream().mapToDouble(row -> number(row, column)).toArray();
  }

  private static void rewardByLength(List<Row> rows) {
    assertThat(column(rows, "from_step")).containsExactly(0, 10, 20, 30, 40);
    assertThat(column(rows, "rollouts")).containsExactly(142, 160, 160, 160, 16);
    assertThat(column(rows.subList(1, 5), "tokens")).startsWith(39).isSorted();
    assertThat(rows.get(0).<Object>getAs("reward_if_truncated")).isNull();
    assertThat(rows.get(2).<Object>getAs("reward_if_truncated")).isNotNull();
    assertThat(number(rows.get(1), "correlation")).isBetween(0.05, 1.0);
    assertThat(rows.get(4).<Object>getAs("correlation")).as("one length only").isNull();
  }

  private static void hardestPrompts(List<Row> rows) {
    assertThat(column(rows, "prompt_index")).hasSize(8).startsWith(7).endsWith(6);
    assertThat(rows.get(0).<String>getAs("prompt")).isEqualTo("Question 7");
    assertThat(column(rows.subList(0, 1), "best")).containsExactly(0);
    assertThat(column(rows, "reward")).isSorted();
  }

  private static void groupsWithoutSpread(List<Row> rows) {
    // In the tens, prompts 6 and 7 of the odd steps; from 20 on the others differ by their answers.
    assertThat(column(rows, "groups")).containsExactly(36, 40, 40, 40, 4);
    assertThat(number(rows.get(1), "without_spread")).isEqualTo(0.25);
    assertThat(number(rows.get(1), "easy")).isEqualTo(0.125);
    assertThat(number(rows.get(1), "hard")).isEqualTo(0.125);
  }

  private static void driftOfLength(List<Row> rows) {
    assertThat(rows).hasSize(PlantedRun.STEPS);
    assertThat(column(rows, "tokens")).startsWith(12, 14).endsWith(90);
    assertThat(column(rows, "median")).startsWith(12, 14);
    assertThat(column(rows, "long_ones")).startsWith(12, 14);
    assertThat(column(rows, "times_the_first")).startsWith(1).endsWith(7.5);
    assertThat(number(rows.get(39), "truncated")).isEqualTo(0.25);
  }

  private static void costs(List<Row> rows) {
    assertThat(rows).extracting(row -> row.<String>getAs("name")).containsOnly("length");
    assertThat(column(rows, "cost")).startsWith(20, 39);
    assertThat(column(rows, "highest")).endsWith(88, 90);
  }

  private static void failures(List<Row> rows) {
    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).<String>getAs("failure")).isEqualTo("answer timed out");
    assertThat(rows.get(0).<Long>getAs("rollouts")).isEqualTo(2);
    assertThat(rows.get(0).<Long>getAs("first_step")).isEqualTo(5);
  }

  private static void oneUpOneDown(List<Row> rows) {
    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).<String>getAs("name")).isEqualTo("answer");
    assertThat(number(rows.get(0), "early")).isGreaterThan(0.8);
    assertThat(number(rows.get(0), "late")).isLessThan(0.6);
    assertThat(number(rows.get(0), "change_of_reward")).isPositive();
  }

  private static void lengthExplosion(List<Row> rows) {
    // The first five steps have 16 tokens in the mean; 24 is passed at step 8.
    assertThat(column(rows, "step")).startsWith(8).endsWith(40).hasSize(33);
    assertThat(column(rows, "times_the_first")).endsWith(90 / 16.0);
    assertThat(number(rows.get(32), "reward_gained")).isPositive();
  }

  private static void nearDuplicates(List<Row> rows) {
    assertThat(rows).hasSize(1);
    assertThat(rows.get(0).<String>getAs("pattern")).isEqualTo("the answer is 0 of course");
    assertThat(rows.get(0).<Long>getAs("rollouts")).isEqualTo(160);
    assertThat(rows.get(0).<Long>getAs("prompts")).isEqualTo(8);
    assertThat(rows.get(0).<Long>getAs("first_step")).isEqualTo(31);
  }

  private static void variety(List<Row> rows) {
    assertThat(number(rows.get(29), "different")).isEqualTo(1);
    assertThat(number(rows.get(30), "different")).isEqualTo(1 / 16.0);
  }

  private static void saturation(List<Row> rows) {
    List<Row> format = rows.stream().filter(row -> row.getAs("name").equals("format")).toList();
    assertThat(column(format, "from_step")).containsExactly(20, 30, 40);
    assertThat(column(format, "reward_std")).containsOnly(0);
    assertThat(column(format, "at_the_highest")).containsOnly(1);
  }

  private static void farFromTheReference(List<Row> rows) {
    assertThat(column(rows, "bin")).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    assertThat(number(rows.get(0), "from_kl")).isCloseTo(0.1, within(1e-5));
    assertThat(number(rows.get(9), "to_kl")).isCloseTo(4, within(1e-4));
    assertThat(number(rows.get(9), "reward")).isGreaterThan(number(rows.get(0), "reward"));
  }

  private static void whatToRead(List<Row> rows) {
    assertThat(rows).hasSize(20);
    assertThat(column(rows, "reward")).containsOnly(3);
    assertThat(number(rows.get(0), "kl")).isGreaterThan(3.8);
    assertThat(rows.get(0).<String>getAs("completion")).contains("answer is");
  }
}
