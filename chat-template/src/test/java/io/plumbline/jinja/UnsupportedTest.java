package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.jinja.TemplateException.Code;
import java.math.BigInteger;
import java.time.Clock;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What Jinja2 and Python have and chat templates are not given here is refused by its name. */
class UnsupportedTest {
  /** The methods of Python 3.11's str. */
  private static final Set<String> PYTHON =
      Unsupported.names(
          "capitalize casefold center count encode endswith expandtabs find format format_map"
              + " index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric"
              + " isprintable isspace istitle isupper join ljust lower lstrip maketrans partition"
              + " removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip"
              + " split splitlines startswith strip swapcase title translate upper zfill");

  private static final String OF_TEXTS =
      "supported are capitalize, count, endswith, find, format, index, isalnum, isalpha, isdigit,"
          + " islower, isspace, isupper, join, lower, lstrip, removeprefix, removesuffix, replace,"
          + " rstrip, split, splitlines, startswith, strip, title, upper";

  private static String render(String template) {
    return JinjaTemplate.parse(template, Limits.STANDARD)
        .render(Map.of("big", BigInteger.TWO.pow(70)), Clock.systemUTC())
        .text();
  }

  private static void refuses(String template, String sentence) {
    assertThatThrownBy(() -> render(template))
        .isInstanceOfSatisfying(
            TemplateException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessage("The chat template " + sentence + ".");
  }

  static Set<String> methodsOfTexts() {
    return Unsupported.TEXT_METHODS;
  }

  static Set<String> attributesOfNumbers() {
    return Unsupported.NUMBER_ATTRIBUTES;
  }

  static Set<String> attributesOfRanges() {
    return Unsupported.RANGE_ATTRIBUTES;
  }

  static Set<String> filters() {
    return Unsupported.FILTERS;
  }

  static Set<String> tags() {
    return Unsupported.TAGS.keySet();
  }

  @Test
  void everyMethodOfPythonsStringsIsSupportedOrRefused() {
    Set<String> known = new TreeSet<>(StringMethods.names());
    known.addAll(Unsupported.TEXT_METHODS);

    assertThat(known).containsExactlyElementsOf(new TreeSet<>(PYTHON));
    assertThat(StringMethods.names()).doesNotContainAnyElementsOf(Unsupported.TEXT_METHODS);
  }

  @ParameterizedTest
  @MethodSource("methodsOfTexts")
  void refusesMethodsOfTexts(String name) {
    refuses(
        "{{ 'a'." + name + "(1) }}",
        "failed at line 1: the method '"
            + name
            + "' of texts is not supported in chat templates; "
            + OF_TEXTS);
    assertThat(render("{{ 'a'." + name + " is defined }}")).isEqualTo("True");
  }

  @ParameterizedTest
  @MethodSource("attributesOfNumbers")
  void refusesAttributesOfNumbers(String name) {
    refuses(
        "{{ (1.5)." + name + " }}",
        "failed at line 1: the attribute '"
            + name
            + "' of numbers is not supported in chat templates; numbers have none");
  }

  @ParameterizedTest
  @MethodSource("attributesOfRanges")
  void refusesAttributesOfRanges(String name) {
    refuses(
        "{{ range(3)." + name + " }}",
        "failed at line 1: the attribute '"
            + name
            + "' of ranges is not supported in chat templates; use a list of it");
  }

  @ParameterizedTest
  @MethodSource("filters")
  void refusesFilters(String name) {
    refuses(
        "{{ 'a'|" + name + " }}",
        "failed at line 1: the filter '" + name + "' is not supported in chat templates");
  }

  @ParameterizedTest
  @MethodSource("tags")
  void refusesTags(String name) {
    refuses(
        "\n{% " + name + " x %}",
        "cannot be parsed at line 2: the tag '"
            + name
            + "' is not supported in chat templates; "
            + Unsupported.TAGS.get(name));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{{ {}.fromkeys([1]) }}#failed at line 1: the method 'fromkeys' of dictionaries is not"
            + " supported in chat templates; supported are copy, get, items, keys, values",
        "{{ '%5d' % 3 }}#failed at line 1: the format '%5d' is not supported in chat templates;"
            + " supported are %s, %r, %d, %i, %f, %.2f, %(name)s and %%",
        "{{ '{:>5}'.format(3) }}#failed at line 1: the field '{:>5}' of a format is not supported"
            + " in chat templates; supported are {}, {0} and {name}",
        "{{ strftime_now('%G') }}#failed at line 1: the directive '%G' of strftime_now is not"
            + " supported in chat templates; supported are A, B, D, F, H, I, M, R, S, T, X, Y, a,"
            + " b, c, d, e, j, m, p, x, y",
        "{{ lipsum() }}#failed at line 1: the function 'lipsum' is not supported in chat"
            + " templates; its text is random",
        "{{ 2 ** 63 }}#failed at line 1: whole numbers of more than 64 bits are not supported in"
            + " chat templates; use a float",
        "{{ big + 1 }}#failed at line 1: whole numbers of more than 64 bits are not supported in"
            + " chat templates; use a float",
        "{{ '9999999999999999999'|int }}#failed at line 1: whole numbers of more than 64 bits are"
            + " not supported in chat templates; use a float",
        "{{ 9999999999999999999 }}#cannot be parsed at line 1: whole numbers of more than 64 bits"
            + " are not supported in chat templates; use a float",
        "{{ 0x1f }}#cannot be parsed at line 1: numbers of other bases than ten are not supported"
            + " in chat templates; write them in base ten",
        "{{ '\\N{BULLET}' }}#cannot be parsed at line 1: names of characters in strings are not"
            + " supported in chat templates; write the character",
        "{{ '7'|int(base=0) }}#failed at line 1: the base 0 of int is not supported in chat"
            + " templates; give the base of the number",
        "{{ (-8.0) ** 0.5 }}#failed at line 1: complex numbers are not supported in chat templates",
        "{{ {}.keys() == {}.keys() }}#failed at line 1: comparing keys(), values() or items() is"
            + " not supported in chat templates; compare lists of them",
        "{{ {range(3): 1} }}#failed at line 1: ranges as keys are not supported in chat templates",
      })
  void refusesInOneSentence(String template, String sentence) {
    refuses(template, sentence);
  }

  @Test
  void longNumbersOfACallerArePrintedAndCompared() {
    String digits = BigInteger.TWO.pow(70).toString();

    assertThat(render("{{ big }} {{ [big]|tojson }} {{ big == big }} {{ big > 1e21 }}"))
        .isEqualTo(digits + " [" + digits + "] True True");
  }
}
