package io.plumbline.spark.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.base.CountOrShare;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.StepReader;
import io.plumbline.data.Columns;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.Mixture;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowSetTest {
  private static SparkSession spark;
  private static TokenizerFiles tokenizer;

  private final Storage storage = Storage.local();
  @TempDir Path directory;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.session();
    tokenizer = Fixtures.tokenizerFiles();
  }

  private Path write(String name, int rows, IntFunction<String> row) throws IOException {
    return Files.writeString(
        directory.resolve(name),
        String.join("\n", IntStream.range(0, rows).mapToObj(row).toList()) + "\n");
  }

  private static String answer(int question, int answer, boolean label) {
    return "{\"prompt\": \"Q%d:\", \"completion\": \" %s.\", \"label\": %s}"
        .formatted(question, "a".repeat(1 + answer % 37), label);
  }

  /** Read by so many bytes a task, so into other partitions for another number. */
  private RowSet set(long splitBytes, ExampleKind kind, Path... paths) {
    return RowSet.of(
        spark,
        Prepare.run(
            spark, storage, settings(splitBytes, kind, paths), tokenizer, PrepareListener.NONE));
  }

  private PrepareSettings settings(long splitBytes, ExampleKind kind, Path... paths) {
    return Records.with(
        PrepareSettings.of(
                Arrays.stream(paths).map(Path::toString).toList(),
                kind,
                directory.resolve("out" + splitBytes).toString())
            .withLimits(new LengthLimits(64, 0, Truncation.KEEP_START)),
        "splitBytes",
        splitBytes);
  }

  /** The rows as Spark has them, which must be in their order. */
  private static List<TokenizedRow> rows(RowSet set) {
    List<TokenizedRow> rows = set.rows().collect();
    assertThat(rows.stream().mapToLong(TokenizedRow::index))
        .containsExactlyElementsOf(LongStream.range(0, set.count()).boxed().toList());
    return rows;
  }

  private static List<String> fingerprints(RowSet set) {
    return data(rows(set));
  }

  private static List<String> data(List<TokenizedRow> rows) {
    return rows.stream().map(TokenizedRow::dataFingerprint).toList();
  }

  private static String ids(int[] prompt, int[] completion) {
    int[] all = Arrays.copyOf(prompt, prompt.length + completion.length);
    System.arraycopy(completion, 0, all, prompt.length, completion.length);
    return Arrays.toString(all);
  }

  @Test
  void packedRowsDoNotDependOnPartitions() throws IOException {
    Path large = write("large.jsonl", 5000, i -> answer(i, i, true));
    Path small = write("small.jsonl", 30, i -> answer(7000 + i, 3 * i, true));
    RowSet one = set(10_000_000, ExampleKind.SUPERVISED, large, small);
    RowSet many = set(100_000, ExampleKind.SUPERVISED, large, small);
    assertThat(many.rows().getNumPartitions()).isGreaterThan(one.rows().getNumPartitions());
    assertThat(one.sourceCounts()).containsExactly(5000L, 30L);
    RowSet packed = one.packed(64);
    RowSet again = many.packed(64);
    assertThat(again.fingerprint()).isEqualTo(packed.fingerprint()).isNotEqualTo(one.fingerprint());
    assertThat(again.sourceCounts()).isEqualTo(packed.sourceCounts());
    assertThat(fingerprints(again)).isEqualTo(fingerprints(packed));
    assertThat(one.packed(65).fingerprint()).isNotEqualTo(packed.fingerprint());

    List<TokenizedRow> documents = rows(one);
    List<TokenizedRow> bins = rows(packed);
    long ofLarge = packed.sourceCounts().get(0);
    Map<String, Integer> expected = new HashMap<>();
    documents.forEach(
        row -> expected.merge(ids(row.prompt(), row.completions().get(0)), 1, Integer::sum));
    Map<String, Integer> actual = new HashMap<>();
    for (TokenizedRow bin : bins) {
      assertThat(bin.prompt()).isEmpty();
      assertThat(bin.tokens()).isLessThanOrEqualTo(64);
      assertThat(bin.lossMasks()).allMatch(mask -> mask[0] == 0);
      bin.completions().forEach(ids -> actual.merge(Arrays.toString(ids), 1, Integer::sum));
    }
    assertThat(actual).isEqualTo(expected);
    // No row of a path is packed with one of another.
    Set<String> fromSmall = new HashSet<>();
    documents
        .subList(5000, 5030)
        .forEach(row -> fromSmall.add(ids(row.prompt(), row.completions().get(0))));
    for (TokenizedRow bin : bins) {
      boolean isSmall = bin.index() >= ofLarge;
      assertThat(bin.completions())
          .allMatch(ids -> fromSmall.contains(Arrays.toString(ids)) == isSmall);
    }
    // Little is left over: all bins but a window's last few are nearly full.
    assertThat(documents.stream().mapToLong(TokenizedRow::tokens).sum())
        .isGreaterThan((long) (0.95 * 64 * bins.size()));
    assertThatThrownBy(() -> one.packed(20))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("more than the 20 of a packed row");
    assertThatThrownBy(() -> one.packed(0)).hasMessageContaining("--max-length 0");
  }

  @Test
  void rowsWithOnePromptAreHeldOutTogether() throws IOException {
    Path first = write("first.jsonl", 300, i -> answer(i / 3, i, true));
    Path second = write("second.jsonl", 100, i -> answer(i / 2, i + 1, false));
    RowSet one = set(10_000_000, ExampleKind.UNPAIRED, first, second);
    RowSet many = set(8_000, ExampleKind.UNPAIRED, first, second);
    RowSet.Split split = one.split(EvalSplit.parse("10%"), 7);
    RowSet.Split again = many.split(EvalSplit.ofShare(0.1), 7);
    List<TokenizedRow> held = rows(split.held());
    List<TokenizedRow> train = rows(split.train());
    List<String> all = fingerprints(one);
    assertThat(fingerprints(again.held())).isEqualTo(data(held));
    assertThat(fingerprints(again.train())).isEqualTo(data(train));
    assertThat(again.held().fingerprint()).isEqualTo(split.held().fingerprint());
    assertThat(
            Set.of(
                one.fingerprint(),
                split.held().fingerprint(),
                split.train().fingerprint(),
                one.split(EvalSplit.ofShare(0.1), 8).held().fingerprint()))
        .hasSize(4);
    // At most the rows of one prompt more than asked for: five here.
    assertThat(held).hasSizeBetween(40, 44);
    assertThat(held.size() + train.size()).isEqualTo(400);
    Set<String> prompts = new HashSet<>();
    held.forEach(row -> prompts.add(Arrays.toString(row.prompt())));
    assertThat(train).noneMatch(row -> prompts.contains(Arrays.toString(row.prompt())));
    List<String> both = new ArrayList<>(data(train));
    both.addAll(data(held));
    assertThat(both).containsExactlyInAnyOrderElementsOf(all);
    // The order of the input stays, and with it whose rows are whose.
    for (RowSet side : List.of(split.train(), split.held())) {
      List<String> rows = side == split.held() ? data(held) : data(train);
      int border = Math.toIntExact(side.sourceCounts().get(0));
      assertThat(all.subList(0, 300)).containsSubsequence(rows.subList(0, border));
      assertThat(all.subList(300, 400)).containsSubsequence(rows.subList(border, rows.size()));
    }
    assertThat(Overlap.of(split.train(), split.held()).isNone()).isTrue();
    assertThat(rows(one.split(EvalSplit.ofRows(25), 1).held())).hasSizeBetween(25, 29);
  }

  @Test
  void wholeTextsArePartedThoughTheyBeginAlike() throws IOException {
    Path texts = write("texts.jsonl", 50, i -> "{\"text\": \"Seven days " + i + "\"}");
    RowSet.Split split =
        set(10_000_000, ExampleKind.SUPERVISED, texts).split(EvalSplit.ofRows(5), 0);
    assertThat(split.held().count()).isEqualTo(5);
    assertThat(split.train().count()).isEqualTo(45);
    assertThat(Overlap.of(split.train(), split.held()).isNone()).isTrue();
  }

  private static String question(int question, int answer) {
    return "{\"prompt\": \"Question %d:\", \"answer\": %d}".formatted(question, answer);
  }

  @Test
  void promptsArePartedMixedAndComparedByTheirPrompts() throws IOException {
    Path questions = write("q.jsonl", 120, i -> question(i / 2, i));
    Path others = write("r.jsonl", 20, i -> question(50 + i, -i));
    RowSet one = set(10_000_000, ExampleKind.PROMPT, questions, others);
    RowSet many = set(700, ExampleKind.PROMPT, questions, others);
    assertThat(many.rows().getNumPartitions()).isGreaterThan(one.rows().getNumPartitions());
    assertThat(fingerprints(many)).isEqualTo(fingerprints(one)).doesNotHaveDuplicates();
    RowSet.Split split = one.split(EvalSplit.ofRows(20), 3);
    assertThat(fingerprints(many.split(EvalSplit.ofRows(20), 3).held()))
        .isEqualTo(fingerprints(split.held()));
    // Two or three rows ask the same, and stay together.
    assertThat(split.held().count()).isBetween(20L, 22L);
    assertThat(split.held().count() + split.train().count()).isEqualTo(140);
    assertThat(Overlap.of(split.train(), split.held()).isNone()).isTrue();
    assertThat(rows(split.held())).allMatch(row -> row.columns().contains("answer"));
    // An answer makes no other prompt: ten of these are asked above.
    Overlap overlap =
        Overlap.of(
            set(10_000_000, ExampleKind.PROMPT, questions),
            set(10_000_000, ExampleKind.PROMPT, others));
    assertThat(overlap)
        .isEqualTo(
            new Overlap(20, 10, 10, List.of(0L, 1L, 2L, 3L, 4L), List.of(0L, 1L, 2L, 3L, 4L)));
    Mixture mixture = new Mixture(one.sourceCounts(), List.of(1.0, 1.0));
    Plan plan = Plan.forEpochs(10, one.count(), 1, 5);
    CanonicalShards shards =
        ShardWriting.write(
            storage,
            directory.resolve("mixed").toString(),
            many.rows(),
            plan,
            Order.SHUFFLED,
            Optional.of(mixture),
            many.fingerprint());
    int ofOthers = 0;
    try (StepReader reader = shards.reader(0, 1, 0)) {
      for (int step = 0; step < plan.steps(); step++) {
        for (TokenizedRow row : reader.next()) {
          assertThat(Columns.parse(row.columns())).containsOnlyKeys("answer", "prompt");
          ofOthers += row.index() >= 120 ? 1 : 0;
        }
      }
    }
    assertThat(ofOthers).isEqualTo(70);
  }

  @Test
  void splitsThatLeaveNothingAreRefused() throws IOException {
    Path alike = write("alike.jsonl", 6, i -> answer(1, i, true));
    RowSet set = set(10_000_000, ExampleKind.UNPAIRED, alike);
    assertThatThrownBy(() -> set.split(EvalSplit.ofRows(2), 0))
        .hasMessageContaining("Rows with the same prompt are held out together")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    assertThatThrownBy(() -> set.split(EvalSplit.ofRows(6), 0))
        .hasMessageContaining("--eval-split 6 of 6 rows leaves none to train on");
    for (String wrong : List.of("0", "1.5", "-3", "100%", "half", "")) {
      assertThatThrownBy(() -> EvalSplit.parse(wrong))
          .as("%s", wrong)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("must be a whole number of rows such as 500 or a share such as 5%");
    }
    assertThat(EvalSplit.parse("200")).isEqualTo(EvalSplit.ofRows(200));
    assertThat(EvalSplit.parse(" 25% ")).isEqualTo(EvalSplit.ofShare(0.25));
  }

  @Test
  void eachRowGetsTheCompletionHalfTheSetFurtherOn() throws IOException {
    for (int n : new int[] {2, 3, 41}) {
      Path data = write("kto" + n + ".jsonl", n, i -> answer(i, 5 * i, i % 3 == 0));
      RowSet set = set(1_500, ExampleKind.UNPAIRED, data);
      List<TokenizedRow> own = rows(set);
      RowSet derived = set.withMismatchedCompletions(20);
      List<TokenizedRow> pairs = rows(derived);
      assertThat(derived.sourceCounts()).isEqualTo(set.sourceCounts());
      assertThat(derived.fingerprint())
          .isNotEqualTo(set.fingerprint())
          .isNotEqualTo(set.withMismatchedCompletions(0).fingerprint());
      for (int i = 0; i < n; i++) {
        TokenizedRow row = own.get(i);
        TokenizedRow pair = pairs.get(i);
        int[] other = own.get((i + Math.max(1, n / 2)) % n).completions().get(0);
        int room = Math.max(1, 20 - row.prompt().length);
        assertThat(pair.prompt()).isEqualTo(row.prompt());
        assertThat(pair.completions().get(0)).isEqualTo(row.completions().get(0));
        assertThat(pair.completions().get(1))
            .isEqualTo(other.length <= room ? other : Arrays.copyOf(other, room));
        assertThat(pair.lossMasks()).isEmpty();
        assertThat(pair.desirability()).isEqualTo(row.desirability());
      }
    }
    Path single = write("single.jsonl", 1, i -> answer(i, i, true));
    RowSet one = set(500, ExampleKind.UNPAIRED, single);
    assertThatThrownBy(() -> one.withMismatchedCompletions(0))
        .hasMessageContaining("there is one row; give at least two");
  }

  @Test
  void masksAreKeptAndFirstTokensNeverCount() {
    TokenizedRow masked =
        TokenizedRow.of(0, new int[0], List.of(new int[] {1, 2, 3}), List.of(new byte[] {0, 0, 1}));
    TokenizedRow plain = TokenizedRow.of(1, new int[] {4}, List.of(new int[] {5, 6}), List.of());
    TokenizedRow first = Mismatch.of(masked, plain, 0);
    assertThat(first.lossMasks().get(0)).containsExactly(0, 0, 1);
    assertThat(first.lossMasks().get(1)).containsExactly(0, 1);
    TokenizedRow second = Mismatch.of(plain, masked, 3);
    assertThat(second.completions().get(1)).containsExactly(1, 2);
    assertThat(second.lossMasks().get(0)).containsExactly(1, 1);
    assertThat(second.lossMasks().get(1)).containsExactly(0, 0);
  }

  @Test
  void rowsThatStandInBothSetsAreFound() throws IOException {
    Path train = write("train.jsonl", 60, i -> answer(i % 30, i, true));
    // Three rows that are in train with another label, two with a prompt of it, and five others.
    Path held =
        write(
            "held.jsonl",
            10,
            i ->
                i < 5
                    ? answer(100 + i, i, true)
                    : i < 8 ? answer(i, i, false) : answer(i, i + 11, false));
    RowSet trained = set(2_500, ExampleKind.UNPAIRED, train);
    Overlap overlap = Overlap.of(trained, set(2_500, ExampleKind.UNPAIRED, held));
    assertThat(overlap)
        .isEqualTo(new Overlap(10, 3, 5, List.of(5L, 6L, 7L), List.of(5L, 6L, 7L, 8L, 9L)));
    Overlap itself = Overlap.of(trained, trained);
    assertThat(itself.rows()).isEqualTo(60);
    assertThat(itself.prompts()).isEqualTo(60);
    assertThat(itself.firstRows()).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(itself.isNone()).isFalse();
  }

  @Test
  void weightedSourcesFillTheShardsByTheirShares() throws IOException {
    Path large = write("a.jsonl", 60, i -> answer(i, i, true));
    Path small = write("b.jsonl", 20, i -> answer(100 + i, i, false));
    RowSet one = set(10_000_000, ExampleKind.UNPAIRED, large, small);
    RowSet many = set(2_000, ExampleKind.UNPAIRED, large, small);
    Mixture mixture = new Mixture(one.sourceCounts(), List.of(1.0, 3.0));
    Plan plan = Records.with(Plan.forEpochs(16, one.count(), 2, 5), "shards", 3);
    List<List<List<String>>> runs = new ArrayList<>();
    for (RowSet set : List.of(one, many)) {
      String written = directory.resolve("shards" + runs.size()).toString();
      CanonicalShards shards =
          ShardWriting.write(
              storage,
              written,
              set.rows(),
              plan,
              Order.SHUFFLED,
              Optional.of(mixture),
              set.fingerprint());
      assertThat(CanonicalShards.open(storage, written).mixture()).contains(mixture);
      List<List<String>> steps = new ArrayList<>();
      long ofSmall = 0;
      try (StepReader reader = shards.reader(0, 1, 0)) {
        for (int step = 0; step < plan.steps(); step++) {
          List<TokenizedRow> rows = reader.next();
          ofSmall += rows.stream().filter(row -> row.index() >= 60).count();
          steps.add(rows.stream().map(TokenizedRow::dataFingerprint).toList());
        }
      }
      // Three quarters of two epochs of 80.
      assertThat(ofSmall).isEqualTo(120);
      runs.add(steps);
    }
    assertThat(runs.get(1)).isEqualTo(runs.get(0));
  }

  @Test
  void rowsOfEverySetAreFoundInTheDataAgain() throws IOException {
    // Line 3 has no completion, and the last line is that of row 7 again.
    Path data =
        write(
            "places.jsonl",
            3000,
            i ->
                i == 2
                    ? "{\"prompt\": \"Q\"}"
                    : answer(i == 2999 ? 8 : i, i == 2999 ? 8 : i, true));
    PrepareSettings settings =
        settings(10_000, ExampleKind.UNPAIRED, data).withBadRows(CountOrShare.ofCount(1));
    RowSet all =
        RowSet.of(spark, Prepare.run(spark, storage, settings, tokenizer, PrepareListener.NONE));
    Map<String, List<Integer>> lines = new HashMap<>();
    List<TokenizedRow> rows = rows(all);
    for (int row = 0; row < rows.size(); row++) {
      lines
          .computeIfAbsent(rows.get(row).dataFingerprint(), f -> new ArrayList<>())
          .add(row < 2 ? row + 1 : row + 2);
    }

    RowSet train = all.split(EvalSplit.ofShare(0.3), 5).train();
    List<TokenizedRow> own = rows(train);
    List<TokenizedRow> wanted =
        rows(train.withMismatchedCompletions(64)).stream()
            .filter(row -> row.index() % 100 == 0 || lines.get(of(own, row)).size() > 1)
            .toList();
    Map<Long, List<String>> places = Prepare.places(spark, storage, settings, tokenizer, wanted);

    assertThat(places).hasSameSizeAs(wanted).hasSizeGreaterThan(20);
    assertThat(places.values()).anyMatch(at -> at.size() == 2);
    for (TokenizedRow row : wanted) {
      assertThat(places.get(row.index()))
          .containsExactlyElementsOf(
              lines.get(of(own, row)).stream().map(line -> data + ":" + line).toList());
    }
    assertThat(Prepare.places(spark, storage, settings, tokenizer, List.of())).isEmpty();
  }

  private static String of(List<TokenizedRow> rows, TokenizedRow row) {
    return rows.get((int) row.index()).dataFingerprint();
  }
}
