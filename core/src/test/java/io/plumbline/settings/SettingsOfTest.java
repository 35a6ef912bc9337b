package io.plumbline.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsOfTest {
  enum Shape {
    ROUND,
    HALF_ROUND
  }

  /** A number with a unit, which reads and writes itself. */
  record Length(int metres) {
    public static Length parse(String text) {
      if (!text.endsWith("m")) {
        throw new IllegalArgumentException("must be a length such as 3m");
      }
      return new Length(Integer.parseInt(text.substring(0, text.length() - 1)));
    }

    public Object text() {
      return metres + "m";
    }
  }

  @Heading("Inner")
  record Inner(
      @Option(help = "A rate.", standard = "0.5", min = 0, max = 1, neutral = "0") double someRate,
      @Option(help = "Off by default.", positive = true, absent = "Infinity") double limit,
      @Option(help = "Least.", standard = "2", min = 2) int count) {
    Inner {
      if (count == 13) {
        throw new PlumblineException(ErrorCode.BAD_USAGE, "some_rate and 13 do not go together.");
      }
    }
  }

  @Heading("Outer")
  record Outer(
      @Option(label = "DIR", help = "Where.") String place,
      @Option(help = "How it looks.", standard = "round") Shape shape,
      @Option(name = "no-corners", help = "A flag.", flag = "HALF_ROUND") Shape corners,
      @Option(help = "A switch.", recorded = false) boolean now,
      @Varied(option = "count", standard = "3", also = " Or more.", min = 1) @Without("limit")
          Inner inner,
      @Option(help = "May be none.", standard = "none", min = 2, orNone = true) OptionalInt most,
      @Option(help = "May be left out.") OptionalLong steps,
      @Option(help = "Clips.", standard = "1.0", min = 0, orNone = true) double clip,
      @Option(help = "Of a type of its own.") Optional<Length> length,
      @Option(help = "Repeats.", label = "TEXT") List<String> stop)
      implements PartlyUsed {
    @Override
    public Set<String> unused() {
      return shape == Shape.HALF_ROUND ? Set.of("some-rate") : Set.of();
    }
  }

  record Lists(
      @Option(help = "Names.", standard = "a,b", commas = true) List<String> names,
      @Option(help = "Numbers.", min = 0, commas = true) List<Double> numbers) {}

  record Share(
      @Option(help = "A part.", standard = "1", positive = true, max = 1) double part,
      @Heading("Elsewhere") Inner inner) {}

  record Incomplete(@Option(help = "One.", standard = "1") int one, String other) {}

  private static final SettingsOf<Outer> OUTER = SettingsOf.type(Outer.class);

  private final List<String> problems = new ArrayList<>();

  private Outer outer(Map<String, List<String>> texts) {
    return OUTER.read(
        option ->
            texts.containsKey(option.name())
                ? texts.get(option.name()).stream().map(option.reader()).toList()
                : option.standardValues(),
        problems::add);
  }

  private static DeclaredOption option(SettingsOf<?> settings, String name) {
    return settings.options().stream().filter(o -> o.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void aPositiveNumberHasAGreatestOneToo() {
    DeclaredOption part = option(SettingsOf.type(Share.class), "part");

    assertThat(part.reader().apply("1")).isEqualTo(1.0);
    for (String outside : List.of("1.5", "0", "-1", "NaN", "many")) {
      assertThatThrownBy(() -> part.reader().apply(outside))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("must be a number above 0 and at most 1");
    }
  }

  @Test
  void theHeadingOfAComponentTakesThePlaceOfItsRecords() {
    assertThat(option(SettingsOf.type(Share.class), "some-rate").heading()).isEqualTo("Elsewhere");
    assertThat(option(OUTER, "some-rate").heading()).isEqualTo("Inner");
  }

  @Test
  void optionsStandInTheOrderOfTheComponentsWithThoseOfNestedRecordsAmongThem() {
    assertThat(OUTER.options())
        .extracting(DeclaredOption::name)
        .containsExactly(
            "place",
            "shape",
            "no-corners",
            "now",
            "some-rate",
            "count",
            "most",
            "steps",
            "clip",
            "length",
            "stop");
    assertThat(OUTER.options())
        .extracting(DeclaredOption::label)
        .containsExactly(
            "DIR", "round|half_round", "", "", "X", "N", "N|none", "N", "X|none", "TEXT", "TEXT");
    assertThat(option(OUTER, "some-rate").heading()).isEqualTo("Inner");
    assertThat(option(OUTER, "place").heading()).isEqualTo("Outer");
  }

  @Test
  void aNestedRecordsOptionIsWhatItIsThere() {
    assertThat(option(OUTER, "count").standard()).contains("3");
    assertThat(option(OUTER, "count").help()).isEqualTo("Least. Or more.");
    assertThat(option(OUTER, "count").reader().apply("1")).isEqualTo(1);
    assertThat(option(SettingsOf.type(Inner.class), "count").standard()).contains("2");
  }

  @Test
  void whatIsNotGivenHasItsStandardValueOrNone() {
    assertThat(OUTER.standard())
        .isEqualTo(
            new Outer(
                "",
                Shape.ROUND,
                Shape.ROUND,
                false,
                new Inner(0.5, Double.POSITIVE_INFINITY, 3),
                OptionalInt.empty(),
                OptionalLong.empty(),
                1.0,
                Optional.empty(),
                List.of()));
  }

  @Test
  void theValuesOfARecordMakeItAgain() {
    Outer outer =
        outer(
            Map.of(
                "place", List.of("here"),
                "shape", List.of("half-round"),
                "no-corners", List.of("yes"),
                "count", List.of("1_000"),
                "most", List.of("7"),
                "steps", List.of("9"),
                "clip", List.of("none"),
                "length", List.of("4m"),
                "stop", List.of("a", "b")));

    assertThat(problems).isEmpty();
    Map<String, Object> values = OUTER.values(outer);
    assertThat(values)
        .isEqualTo(
            Map.of(
                "place",
                "here",
                "shape",
                "half_round",
                "no-corners",
                true,
                "count",
                1000,
                "most",
                7,
                "steps",
                9L,
                "clip",
                "none",
                "length",
                "4m",
                "stop",
                List.of("a", "b")));
    Map<String, List<String>> texts = new java.util.HashMap<>();
    values.forEach(
        (name, value) ->
            texts.put(
                name,
                value instanceof List<?> list
                    ? list.stream().map(String::valueOf).toList()
                    : List.of(value.toString())));
    assertThat(outer(texts)).isEqualTo(outer);
  }

  @ParameterizedTest
  @CsvSource({
    "some-rate, 2, must be a number of at least 0 and at most 1",
    "some-rate, x, must be a number of at least 0 and at most 1",
    "shape, square, 'must be one of round, half_round'",
    "no-corners, perhaps, must be true or false",
    "most, 1, must be a whole number of at least 2",
    "steps, 1.5, must be a whole number",
    "length, 3, must be a length such as 3m",
    "place, ' ', must not be empty"
  })
  void aTextThatCannotBeReadIsRefusedWithWhatItMustBe(String name, String text, String sentence) {
    assertThatThrownBy(() -> option(OUTER, name).reader().apply(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(sentence);
  }

  @Test
  void whatAConstructorRefusesIsAProblemAndStandardValuesStandInItsPlace() {
    Outer outer = outer(Map.of("count", List.of("13"), "place", List.of("here")));

    assertThat(problems).containsExactly("some_rate and 13 do not go together.");
    assertThat(outer.inner()).isEqualTo(SettingsOf.type(Inner.class).standard());
    assertThat(outer.place()).isEqualTo("here");
  }

  @Test
  void oneTextMayHoldAList() {
    SettingsOf<Lists> lists = SettingsOf.type(Lists.class);

    assertThat(lists.standard()).isEqualTo(new Lists(List.of("a", "b"), List.of()));
    assertThat(option(lists, "names").reader().apply("A, b")).isEqualTo(List.of("a", "b"));
    assertThat(option(lists, "numbers").reader().apply("1, 2.5")).isEqualTo(List.of(1.0, 2.5));
    assertThatThrownBy(() -> option(lists, "names").reader().apply("a,,b"))
        .hasMessage("must be names with commas between them");
    assertThat(lists.values(new Lists(List.of("a"), List.of(0.5, 1.0))))
        .isEqualTo(Map.of("names", "a", "numbers", "0.5,1.0"));
    assertThat(lists.values(lists.standard())).isEqualTo(Map.of("names", "a,b"));
  }

  @Test
  void aComponentThatIsNoOptionHasNoValueOfItsOwn() {
    SettingsOf<Incomplete> incomplete = SettingsOf.type(Incomplete.class);

    assertThat(incomplete.options()).extracting(DeclaredOption::name).containsExactly("one");
    assertThat(incomplete.values(new Incomplete(2, "x"))).isEqualTo(Map.of("one", 2));
    assertThatThrownBy(incomplete::standard)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is no option");
  }
}
