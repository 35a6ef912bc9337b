package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Draws templates that are mostly valid, and the variables they are rendered with. */
final class TemplateGrammar {
  private static final List<String> STRINGS =
      List.of(
          "",
          "a",
          "Hello World",
          "  padded\\n",
          "x,y,,z",
          "don't",
          "say \\\"hi\\\"",
          "naïve café",
          "北京🎉",
          "ß ŒUVRE ǆ",
          "line1\\nline2\\n\\nline4",
          "<b>&amp;</b>",
          "12",
          "-3.5",
          "0x1f",
          "1e3",
          "{0} and {name}",
          "%s is %s",
          "tab\\tend",
          "user",
          "assistant",
          "ΑΣ",
          "a.b.c",
          "\\u00e9\\x41\\\\",
          "UPPER lower Title");
  private static final List<String> NAMES =
      List.of("a", "b", "s", "n", "items", "messages", "d", "missing", "flag", "none_value", "x");
  private static final List<String> ATTRIBUTES =
      List.of(
          "role",
          "content",
          "k",
          "items",
          "keys",
          "values",
          "get",
          "x",
          "upper",
          "missing",
          "0",
          "copy",
          "index",
          "count",
          "__class__",
          "update",
          "append",
          "nested");
  private static final List<String> STRING_CALLS =
      List.of(
          "strip()",
          "lstrip()",
          "rstrip()",
          "upper()",
          "lower()",
          "title()",
          "capitalize()",
          "split()",
          "split(',')",
          "split(' ', 1)",
          "splitlines()",
          "splitlines(true)",
          "replace('a', 'bb')",
          "replace('', '-')",
          "replace('l', '', 1)",
          "startswith('a')",
          "startswith(('x', 'H'))",
          "endswith('d')",
          "find('o')",
          "index('l')",
          "count('l')",
          "count('')",
          "join(['p', 'q'])",
          "join('ab')",
          "removeprefix('He')",
          "removesuffix('ld')",
          "isdigit()",
          "isalpha()",
          "isalnum()",
          "isspace()",
          "islower()",
          "isupper()",
          "strip('ab ')",
          "format(1, name='z')",
          "format(a, name=b)",
          "find('l', 3)",
          "find('l', -4, -1)",
          "startswith('l', 2)",
          "endswith('l', 0, 3)",
          "count('l', 3)",
          "lstrip('H')",
          "split('l', maxsplit=1)");
  private static final List<String> FILTERS =
      List.of(
          "upper",
          "lower",
          "title",
          "capitalize",
          "trim",
          "length",
          "count",
          "first",
          "last",
          "list",
          "string",
          "int",
          "float",
          "abs",
          "reverse",
          "reverse|list",
          "join",
          "join(', ')",
          "join('-', attribute='role')",
          "default('D')",
          "default('D', true)",
          "d",
          "tojson",
          "tojson(indent=2)",
          "tojson(ensure_ascii=true)",
          "tojson(separators=(',', ':'))",
          "tojson(sort_keys=true)",
          "tojson(indent=1, sort_keys=true)",
          "sort",
          "sort(reverse=true)",
          "sort(attribute='k')",
          "sort(case_sensitive=true)",
          "unique|list",
          "min",
          "max",
          "sum",
          "sum(attribute='k')",
          "sum(start=3)",
          "map('upper')|list",
          "map(attribute='role')|list",
          "map(attribute='k', default=0)|list",
          "map('default', 'q')|join",
          "select|list",
          "select('string')|list",
          "select('>', 1)|list",
          "reject('none')|list",
          "selectattr('role')|list",
          "selectattr('role', 'equalto', 'user')|list",
          "selectattr('k', 'defined')|list",
          "rejectattr('role', 'eq', 'user')|list",
          "batch(2)|list",
          "batch(2, 'F')|list",
          "slice(2)|list",
          "slice(3, 'F')|list",
          "dictsort",
          "dictsort(reverse=true)",
          "dictsort(by='value')",
          "items|list",
          "indent",
          "indent(2)",
          "indent(2, true)",
          "indent(3, false, true)",
          "indent('> ')",
          "replace('a', 'b')",
          "replace('l', 'L', 1)",
          "round",
          "round(1)",
          "round(1, 'floor')",
          "round(method='ceil')",
          "truncate(5)",
          "truncate(6, true)",
          "truncate(7, false, '!')",
          "wordcount",
          "center(9)",
          "format(1, 2)",
          "escape",
          "e",
          "safe",
          "forceescape",
          "striptags",
          "urlencode",
          "filesizeformat",
          "groupby('role')",
          "groupby('k', default=0)|list",
          "attr('role')",
          "xmlattr",
          "int(7)",
          "int(base=16)",
          "float(1.5)",
          "nosuchfilter",
          "map('int')|sum",
          "map('length')|list",
          "last|string",
          "first|upper",
          "items");
  private static final List<String> TESTS =
      List.of(
          "defined",
          "undefined",
          "none",
          "string",
          "number",
          "mapping",
          "sequence",
          "iterable",
          "odd",
          "even",
          "true",
          "false",
          "boolean",
          "integer",
          "float",
          "lower",
          "upper",
          "callable",
          "escaped",
          "divisibleby 2",
          "divisibleby(3)",
          "eq 1",
          "ne('a')",
          "in [1, 2]",
          "in 'abc'",
          "sameas none",
          "sameas true",
          "gt 1",
          "lt(2)",
          "ge 2",
          "le 2",
          "filter",
          "test",
          "nosuchtest",
          "equalto 'user'");
  private static final List<String> OPERATORS =
      List.of(
          "+", "-", "*", "/", "//", "%", "~", "and", "or", "==", "!=", "<", "<=", ">", ">=", "in",
          "not in");
  private static final List<String> TEXT =
      List.of(
          " ",
          "\n",
          "  \n  ",
          "text",
          "\n\n",
          "\t",
          "<|im_start|>",
          "北京",
          "{ }",
          "\r\n",
          "%",
          "a\n  b",
          "é\n");

  private final Random random;

  TemplateGrammar(Random random) {
    this.random = random;
  }

  private String of(List<String> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  private boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  String template() {
    return block(random.nextInt(3), false);
  }

  Map<String, Object> context() {
    Map<String, Object> context = new LinkedHashMap<>();
    context.put("a", value(2));
    context.put("b", value(2));
    context.put("s", unescaped(of(STRINGS)));
    context.put("n", number());
    context.put("items", list(2));
    context.put("messages", messages());
    context.put("d", map(2));
    context.put("flag", random.nextBoolean());
    context.put("none_value", null);
    return context;
  }

  private static String unescaped(String literal) {
    return literal
        .replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\\"", "\"")
        .replace("\\u00e9", "é")
        .replace("\\x41", "A")
        .replace("\\\\", "\\");
  }

  private Object number() {
    return switch (random.nextInt(8)) {
      case 0 -> 0L;
      case 1 -> -1L - random.nextInt(20);
      case 2 -> random.nextInt(1000) / 8.0;
      case 3 -> -random.nextInt(1000) / 10.0;
      case 4 -> 1e16 * random.nextInt(100);
      case 5 -> random.nextInt(100) * 1e-6;
      case 6 -> random.nextLong() >> (chance(0.1) ? 0 : 20);
      default -> (long) random.nextInt(30);
    };
  }

  private Object value(int depth) {
    return switch (random.nextInt(depth > 0 ? 8 : 5)) {
      case 0 -> null;
      case 1 -> random.nextBoolean();
      case 2 -> number();
      case 3, 4 -> unescaped(of(STRINGS));
      case 5 -> map(depth - 1);
      default -> list(depth - 1);
    };
  }

  private List<Object> list(int depth) {
    List<Object> list = new ArrayList<>();
    int size = random.nextInt(5);
    int kind = random.nextInt(3);
    for (int i = 0; i < size; i++) {
      list.add(kind == 0 ? value(depth) : kind == 1 ? unescaped(of(STRINGS)) : number());
    }
    return list;
  }

  private Map<String, Object> map(int depth) {
    Map<String, Object> map = new LinkedHashMap<>();
    int size = random.nextInt(4);
    for (int i = 0; i < size; i++) {
      map.put(of(List.of("k", "role", "x", "items", "é", "B")), value(depth));
    }
    return map;
  }

  private List<Object> messages() {
    List<Object> messages = new ArrayList<>();
    int size = random.nextInt(4);
    for (int i = 0; i < size; i++) {
      Map<String, Object> message = new LinkedHashMap<>();
      message.put("role", of(List.of("user", "assistant", "system", "User")));
      message.put("content", chance(0.8) ? unescaped(of(STRINGS)) : value(2));
      if (chance(0.4)) {
        message.put("k", number());
      }
      messages.add(message);
    }
    return messages;
  }

  // Templates

  private String open() {
    return switch (random.nextInt(8)) {
      case 0, 1 -> "{%-";
      case 2 -> "{%+";
      default -> "{%";
    };
  }

  private String close() {
    return switch (random.nextInt(8)) {
      case 0, 1 -> "-%}";
      case 2 -> "+%}";
      default -> "%}";
    };
  }

  private String tag(String content) {
    return open() + " " + content + " " + close();
  }

  private String block(int depth, boolean inLoop) {
    StringBuilder out = new StringBuilder();
    int parts = 1 + random.nextInt(3);
    for (int i = 0; i < parts; i++) {
      out.append(part(depth, inLoop));
    }
    return out.toString();
  }

  private String part(int depth, boolean inLoop) {
    int choice = random.nextInt(depth > 0 ? 22 : 9);
    return switch (choice) {
      case 0, 1 -> of(TEXT);
      case 2, 3, 4, 5 ->
          (chance(0.2) ? "{{-" : "{{")
              + " "
              + expression(1 + random.nextInt(2))
              + " "
              + (chance(0.2) ? "-}}" : "}}");
      case 6 -> tag("set " + of(List.of("x", "a", "y", "s")) + " = " + expression(2));
      case 7 -> "{#" + (chance(0.3) ? "-" : "") + " comment " + (chance(0.3) ? "-" : "") + "#}";
      case 8 ->
          inLoop && chance(0.5)
              ? tag(chance(0.5) ? "break" : "continue")
              : tag("set x, y = " + expression(1) + ", " + expression(1));
      case 9, 10, 11, 12 -> loop(depth);
      case 13, 14, 15 -> conditional(depth, inLoop);
      case 16 ->
          tag("macro m(p, q=" + expression(1) + ")")
              + (chance(0.3) ? "{{ varargs }}{{ kwargs }}" : "")
              + (chance(0.3) ? "{{ caller() }}" : "")
              + block(depth - 1, false)
              + tag("endmacro")
              + "{{ m("
              + expression(1)
              + (chance(0.4) ? ", q=" + expression(1) : "")
              + (chance(0.2) ? ", 7, 8" : "")
              + ") }}";
      case 17 -> tag("set x") + block(depth - 1, inLoop) + tag("endset") + "{{ x }}";
      case 18 ->
          tag("filter " + of(List.of("upper", "trim", "indent(2)", "replace('a', 'b')|lower")))
              + block(depth - 1, inLoop)
              + tag("endfilter");
      case 19 ->
          chance(0.5)
              ? tag("with x = " + expression(1) + ", z = x")
                  + block(depth - 1, inLoop)
                  + tag("endwith")
              : tag("generation") + block(depth - 1, false) + tag("endgeneration");
      case 20 ->
          "{% set ns = namespace(k="
              + expression(1)
              + ") %}"
              + tag("for i in " + expression(1))
              + tag("set ns.k = " + expression(1))
              + tag("endfor")
              + "{{ ns.k }}";
      default ->
          tag("raw")
              + "{{ raw }} "
              + of(TEXT)
              + tag("endraw")
              + tag("call(u) m(1)")
              + "{{ u }}"
              + tag("endcall");
    };
  }

  private String loop(int depth) {
    String target = of(List.of("x", "m", "i", "x, y", "(x, y)", "k, v"));
    String body =
        (chance(0.4)
                ? "{{ loop."
                    + of(
                        List.of(
                            "index",
                            "index0",
                            "first",
                            "last",
                            "length",
                            "revindex",
                            "revindex0",
                            "depth",
                            "previtem",
                            "nextitem",
                            "cycle('a', 'b')",
                            "changed(x)"))
                    + " }}"
                : "")
            + (chance(0.4) ? "{{ x }}{{ m.role }}{{ m['content'] }}" : "")
            + block(depth - 1, true);
    boolean recursive = chance(0.08);
    return tag(
            "for "
                + target
                + " in "
                + expression(2)
                + (chance(0.2) ? " if " + expression(2) : "")
                + (recursive ? " recursive" : ""))
        + body
        + (recursive && chance(0.5) ? "{{ loop(x) if x is mapping }}" : "")
        + (chance(0.2) ? tag("else") + block(depth - 1, false) : "")
        + tag("endfor");
  }

  private String conditional(int depth, boolean inLoop) {
    return tag("if " + expression(3))
        + block(depth - 1, inLoop)
        + (chance(0.3) ? tag("elif " + expression(2)) + block(depth - 1, inLoop) : "")
        + (chance(0.4) ? tag("else") + block(depth - 1, inLoop) : "")
        + tag("endif");
  }

  private String literal() {
    return switch (random.nextInt(9)) {
      case 0 -> "'" + of(STRINGS).replace("'", "\\'").replace("\\\"", "\"") + "'";
      case 1, 2 -> "\"" + of(STRINGS) + "\"";
      case 3 -> Integer.toString(random.nextInt(12));
      case 4 -> of(List.of("1.5", "0.1", "1e3", "2.0", "1_000", "1e-7", "100.0"));
      case 5 -> of(List.of("true", "false", "none", "True", "None"));
      case 6 -> "[" + literal() + ", " + literal() + "]";
      // Keys are hashable: what Jinja2 makes of others depends on what it folds when it compiles.
      case 7 ->
          "{"
              + of(List.of("1", "'a'", "true", "(1, 'b')", "none", "2.0"))
              + ": "
              + literal()
              + ", 'k': "
              + literal()
              + "}";
      default -> of(List.of("()", "(1,)", "('a', 2)", "[]", "{}", "range(4)", "range(5, 0, -2)"));
    };
  }

  private String primary(int depth) {
    return switch (random.nextInt(6)) {
      case 0, 1 -> literal();
      case 2 -> depth > 0 ? "(" + expression(depth - 1) + ")" : literal();
      case 3 -> of(List.of("messages[0]", "messages[-1].content", "d.k", "d['role']", "items[1]"));
      default -> of(NAMES);
    };
  }

  private String index() {
    return of(
        List.of(
            "0",
            "-1",
            "1",
            "7",
            "'k'",
            "'role'",
            ":",
            "1:",
            ":2",
            "::-1",
            "1:3",
            "-2:",
            "::2",
            "3:0:-1",
            "none",
            "-1:-3:-1",
            "true",
            "'upper'",
            ":-1",
            "5:1"));
  }

  private String postfix(String value) {
    return switch (random.nextInt(6)) {
      case 0 -> value + "." + of(ATTRIBUTES);
      // Jinja2 folds slices of constants by other rules than those of rendering.
      case 1 -> of(NAMES) + "[" + index() + "]";
      case 2, 3 -> value + "." + of(STRING_CALLS);
      case 4 ->
          value
              + of(
                  List.of(
                      ".items()",
                      ".keys()",
                      ".values()",
                      ".get('k')",
                      ".get('zz', 3)",
                      ".items()|list",
                      ".copy()",
                      ".index(1)",
                      ".count('a')",
                      "()"));
      default -> "(" + value + ")";
    };
  }

  String expression(int depth) {
    if (depth <= 0) {
      return primary(0);
    }
    return switch (random.nextInt(16)) {
      case 0, 1 -> primary(depth);
      case 2, 3, 4 -> postfix(primary(depth - 1));
      case 5, 6, 7, 8 ->
          primary(depth - 1) + "|" + of(FILTERS) + (chance(0.3) ? "|" + of(FILTERS) : "");
      case 9 -> primary(depth - 1) + " is " + (chance(0.3) ? "not " : "") + of(TESTS);
      case 10, 11, 12 -> expression(depth - 1) + " " + of(OPERATORS) + " " + expression(depth - 1);
      case 13 ->
          expression(depth - 1)
              + " if "
              + expression(depth - 1)
              + (chance(0.8) ? " else " + expression(depth - 1) : "");
      case 14 -> of(List.of("not ", "-", "+")) + primary(depth - 1);
      default ->
          chance(0.3)
              ? primary(0) + " ** " + random.nextInt(4)
              : "'"
                  + of(List.of("%s", "%d", "%.2f|", "%r", "%(k)s", "%s-%s", "%%", "%f", "%i"))
                  + "' % "
                  + primary(depth - 1);
    };
  }
}
