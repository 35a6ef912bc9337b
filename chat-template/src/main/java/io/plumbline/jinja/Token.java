package io.plumbline.jinja;

/**
 * One token of a template.
 *
 * @param line where it stands, from 1
 * @param text name, operator or raw text
 * @param value the value of a literal
 */
record Token(Type type, int line, String text, Object value) {
  enum Type {
    DATA,
    VARIABLE_BEGIN,
    VARIABLE_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    EOF
  }

  boolean is(Type wanted) {
    return type == wanted;
  }

  boolean isOperator(String operator) {
    return type == Type.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return type == Type.NAME && text.equals(name);
  }

  String describe() {
    return switch (type) {
      case DATA -> "template text";
      case VARIABLE_BEGIN -> "begin of print statement";
      case VARIABLE_END -> "end of print statement";
      case BLOCK_BEGIN -> "begin of statement block";
      case BLOCK_END -> "end of statement block";
      case EOF -> "end of template";
      case STRING -> "string";
      case INTEGER -> "integer";
      case FLOAT -> "float";
      case NAME, OPERATOR -> text;
    };
  }
}
