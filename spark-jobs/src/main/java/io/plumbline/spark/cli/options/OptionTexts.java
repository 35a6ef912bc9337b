package io.plumbline.spark.cli.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.RunTemplates;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * The texts of an option that stands in a YAML file, as the command line would have them.
 *
 * <p>A scalar is one text and a list several. A map stands for specs, {@code NAME{JSON}}: {@code
 * {length: {per_token: 1}}} is {@code length{"per_token":1}}. With scalars for values it stands for
 * weights of sources, {@code SOURCE:WEIGHT}, or for names of policies or columns, {@code NAME=DIR}.
 * That of {@code chat-template-kwargs} is the JSON object itself.
 */
final class OptionTexts {
  /** Numbers as JSON has them, and as people write them in YAML. */
  private static final Pattern NUMBER =
      Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  /** As YAML 1.1 has them, which Python reads. */
  private static final Set<String> TRUE = Set.of("true", "yes", "on");

  /** An alias may hold itself. */
  private static final int DEEPEST = 32;

  private OptionTexts() {}

  /** Empty for what an option cannot take; an empty list for YAML's null and for an empty list. */
  static Optional<List<String>> of(String option, Node node) {
    List<String> texts = new ArrayList<>();
    if (node instanceof SequenceNode sequence) {
      for (Node item : sequence.getValue()) {
        if (!add(option, item, texts)) {
          return Optional.empty();
        }
      }
      return Optional.of(texts);
    }
    if (node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL)) {
      return Optional.of(texts);
    }
    if (node instanceof MappingNode && option.replace('_', '-').equals(RunTemplates.VARIABLES)) {
      return json(node, 0).map(object -> List.of(object.toString()));
    }
    return add(option, node, texts) ? Optional.of(texts) : Optional.empty();
  }

  private static boolean add(String option, Node node, List<String> texts) {
    if (node instanceof ScalarNode scalar) {
      texts.add(scalar.getValue());
      return true;
    }
    if (!(node instanceof MappingNode mapping)) {
      return false;
    }
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        return false;
      }
      Optional<String> text = entry(option, key.getValue(), tuple.getValueNode());
      if (text.isEmpty()) {
        return false;
      }
      texts.add(text.get());
    }
    return true;
  }

  private static Optional<String> entry(String option, String name, Node value) {
    if (value instanceof MappingNode) {
      return json(value, 0).map(json -> name + json);
    }
    if (!(value instanceof ScalarNode scalar)) {
      return Optional.empty();
    }
    if (scalar.getTag().equals(Tag.NULL)) {
      return Optional.of(name);
    }
    return switch (option) {
      case "data" -> Optional.of(name + ":" + scalar.getValue());
      case "policy", "columns" -> Optional.of(name + "=" + scalar.getValue());
      default -> Optional.empty();
    };
  }

  private static Optional<JsonNode> json(Node node, int depth) {
    if (depth > DEEPEST) {
      return Optional.empty();
    }
    if (node instanceof ScalarNode scalar) {
      return Optional.of(value(scalar));
    }
    if (node instanceof SequenceNode sequence) {
      ArrayNode array = Json.MAPPER.createArrayNode();
      for (Node item : sequence.getValue()) {
        Optional<JsonNode> value = json(item, depth + 1);
        if (value.isEmpty()) {
          return value;
        }
        array.add(value.get());
      }
      return Optional.of(array);
    }
    ObjectNode object = Json.MAPPER.createObjectNode();
    for (NodeTuple tuple : ((MappingNode) node).getValue()) {
      Optional<JsonNode> value = json(tuple.getValueNode(), depth + 1);
      if (value.isEmpty() || !(tuple.getKeyNode() instanceof ScalarNode key)) {
        return Optional.empty();
      }
      object.set(key.getValue(), value.get());
    }
    return Optional.of(object);
  }

  private static JsonNode value(ScalarNode scalar) {
    String text = scalar.getValue();
    if (scalar.getScalarStyle() != ScalarStyle.PLAIN) {
      return Json.MAPPER.getNodeFactory().textNode(text);
    }
    if (scalar.getTag().equals(Tag.NULL)) {
      return Json.MAPPER.getNodeFactory().nullNode();
    }
    if (scalar.getTag().equals(Tag.BOOL)) {
      return Json.MAPPER.getNodeFactory().booleanNode(TRUE.contains(text.toLowerCase(Locale.ROOT)));
    }
    if (!NUMBER.matcher(text).matches()) {
      return Json.MAPPER.getNodeFactory().textNode(text);
    }
    return text.matches("-?[0-9]{1,18}")
        ? Json.MAPPER.getNodeFactory().numberNode(Long.parseLong(text))
        : Json.MAPPER.getNodeFactory().numberNode(Double.parseDouble(text));
  }
}
