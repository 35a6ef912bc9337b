package io.plumbline.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.plumbline.base.Json;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What must not be written down: passwords, tokens and keys, known by the names that they have as
 * options, as members of JSON in a text ({@code http{"api_key":"…"}}) and as parameters of a URL.
 */
public final class Secrets {
  static final String MASK = "***";

  private static final Set<String> WORDS =
      Set.of(
          "password",
          "passwd",
          "passphrase",
          "pwd",
          "secret",
          "secrets",
          "token",
          "credential",
          "credentials",
          "key",
          "keys",
          "apikey",
          "auth",
          "authorization");

  /** Names of what signs a URL. */
  private static final Set<String> SIGNATURES = Set.of("sig", "signature", "sas");

  /** A tokenizer's own tokens are no secrets. */
  private static final Pattern MODEL_TOKEN =
      Pattern.compile("(^|.*[._-])(bos|eos|pad|unk|sep|cls|mask|image|audio)[_-]token([_-].*|$)");

  /** The name of a variable that holds a secret is none. */
  private static final Pattern VARIABLE = Pattern.compile("(?i).*[._-]env");

  private static final Pattern WORD_BORDER =
      Pattern.compile("[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])");
  private static final Pattern ASSIGNMENT = Pattern.compile("^(-{0,2}[\\w.\\-]+)=(.*)$");
  private static final Pattern USER_IN_URL = Pattern.compile("(://[^/:@\\s]*):[^/@\\s]+@");
  private static final Pattern PARAMETER = Pattern.compile("([?&;])([\\w.%\\-]+)=([^&;#\\s\"'}]+)");

  private Secrets() {}

  /** The same with secrets masked, in members of members too. */
  public static ObjectNode masked(ObjectNode object) {
    ObjectNode result = PythonJson.object();
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      result.set(entry.getKey(), masked(entry.getKey(), entry.getValue()));
    }
    return result;
  }

  static JsonNode masked(String name, JsonNode value) {
    if (value instanceof ObjectNode object) {
      return masked(object);
    }
    if (value instanceof ArrayNode array) {
      ArrayNode result = PythonJson.MAPPER.createArrayNode();
      array.forEach(element -> result.add(masked(name, element)));
      return result;
    }
    // Numbers such as max_new_tokens are no secrets.
    return value.isTextual() ? TextNode.valueOf(masked(name, value.textValue())) : value;
  }

  private static String masked(String name, String value) {
    if (isSecret(name)) {
      return MASK;
    }
    Matcher assignment = ASSIGNMENT.matcher(value);
    if (assignment.matches() && isSecret(assignment.group(1))) {
      return assignment.group(1) + "=" + MASK;
    }
    String text = USER_IN_URL.matcher(value).replaceAll("$1:" + MASK + "@");
    text = PARAMETER.matcher(text).replaceAll(Secrets::parameter);
    int brace = text.indexOf('{');
    return brace < 0 ? text : text.substring(0, brace) + members(text.substring(brace));
  }

  private static String parameter(MatchResult found) {
    String name = found.group(2);
    return Matcher.quoteReplacement(
        isSecret(name) || SIGNATURES.contains(name.toLowerCase(Locale.ROOT))
            ? found.group(1) + name + "=" + MASK
            : found.group());
  }

  /** A text that is a JSON object without the secrets in it; another as it is. */
  private static String members(String text) {
    try {
      if (Json.MAPPER.readTree(text) instanceof ObjectNode object) {
        ObjectNode result = Json.MAPPER.createObjectNode();
        for (Map.Entry<String, JsonNode> member : object.properties()) {
          // A key alone is a column's or a member's name.
          boolean named = member.getKey().matches("(?i)keys?");
          result.set(
              member.getKey(),
              named ? member.getValue() : masked(member.getKey(), member.getValue()));
        }
        return result.equals(object) ? text : result.toString();
      }
    } catch (JsonProcessingException e) {
      return text; // Braces of another kind.
    }
    return text;
  }

  private static boolean isSecret(String name) {
    if (MODEL_TOKEN.matcher(name.toLowerCase(Locale.ROOT)).matches()
        || VARIABLE.matcher(name).matches()) {
      return false;
    }
    for (String word : WORD_BORDER.split(name, -1)) {
      if (WORDS.contains(word.toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    return false;
  }
}
