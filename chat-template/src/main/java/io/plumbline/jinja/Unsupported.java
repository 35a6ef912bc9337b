package io.plumbline.jinja;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What Jinja2 or Python has and no chat template is given here, with the sentences that refuse it.
 */
final class Unsupported {
  static final Set<String> TEXT_METHODS =
      names(
          "casefold center encode expandtabs format_map isascii isdecimal isidentifier isnumeric"
              + " isprintable istitle ljust maketrans partition rfind rindex rjust rpartition"
              + " rsplit swapcase translate zfill");
  static final Set<String> DICT_METHODS = names("fromkeys");
  static final Set<String> RANGE_ATTRIBUTES = names("count index start step stop");
  static final Set<String> NUMBER_ATTRIBUTES =
      names(
          "as_integer_ratio bit_count bit_length conjugate denominator fromhex from_bytes hex imag"
              + " is_integer numerator real to_bytes");
  static final Set<String> FILTERS = names("pprint random urlize wordwrap");

  private static final String NO_OTHER = "a chat template has no other template to read";

  /** Tags, each with the reason. */
  static final Map<String, String> TAGS =
      Map.of(
          "autoescape", "nothing is escaped; use the filter 'escape'",
          "block", NO_OTHER,
          "do", "assign to a variable instead",
          "extends", NO_OTHER,
          "from", NO_OTHER,
          "import", NO_OTHER,
          "include", NO_OTHER,
          "print", "write it in double braces",
          "trans", "there are no translations");

  private Unsupported() {}

  static Set<String> names(String separated) {
    return Set.of(separated.split(" "));
  }

  private static String sorted(Set<String> names) {
    return String.join(", ", new TreeSet<>(names));
  }

  static PyError of(String what) {
    return new PyError(
        TemplateException.Code.UNSUPPORTED, what + " not supported in chat templates");
  }

  static PyError of(String what, String instead) {
    return new PyError(
        TemplateException.Code.UNSUPPORTED, what + " not supported in chat templates; " + instead);
  }

  /** A method of values of which others are supported. */
  static PyError method(String name, String values, Set<String> supported) {
    return of(
        "the method '" + name + "' of " + values + " is", "supported are " + sorted(supported));
  }

  static TemplateSyntaxException tag(String name, int line) {
    return new TemplateSyntaxException(
        TemplateException.Code.UNSUPPORTED,
        "the tag '" + name + "' is not supported in chat templates; " + TAGS.get(name),
        line);
  }
}
