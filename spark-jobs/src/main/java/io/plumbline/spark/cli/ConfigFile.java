package io.plumbline.spark.cli;

import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A YAML file of option names and values. Only the text of the scalars is taken, never an object of
 * YAML's making, so {@code 1e-6} and {@code no} mean what they mean on the command line.
 */
final class ConfigFile {
  private ConfigFile() {}

  /** Keys as they are written, in order, each with its texts and its line. */
  static Map<String, SettingValues.Given> read(Path file, Problems problems) {
    String source;
    try {
      source = Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      problems.add(
          String.format(
              "--config names %s, which cannot be read: give a YAML file of option names and values.",
              file));
      return Map.of();
    }
    Storage.refuseCredentials(source);
    return parse(source, file.toString(), problems);
  }

  static Map<String, SettingValues.Given> parse(String source, String name, Problems problems) {
    Node root;
    try {
      root = new Yaml(new SafeConstructor(new LoaderOptions())).compose(new StringReader(source));
    } catch (MarkedYAMLException e) {
      problems.add(
          String.format(
              "%s is not YAML: %s%s.",
              name,
              e.getProblem(),
              e.getProblemMark() == null ? "" : " in line " + (e.getProblemMark().getLine() + 1)));
      return Map.of();
    } catch (YAMLException e) {
      problems.add(String.format("%s is not YAML: %s.", name, firstLine(e)));
      return Map.of();
    }
    if (root == null) {
      return Map.of();
    }
    if (!(root instanceof MappingNode mapping)) {
      problems.add(String.format("%s must be a YAML mapping of option names to values.", name));
      return Map.of();
    }
    Map<String, SettingValues.Given> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String where = "in " + name + ", line " + (tuple.getKeyNode().getStartMark().getLine() + 1);
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        problems.add(String.format("A key %s is not a name: write OPTION: VALUE.", where));
        continue;
      }
      List<String> texts = texts(tuple.getValueNode());
      if (texts == null) {
        problems.add(
            String.format(
                "%s has a value %s that is neither a scalar nor a list of scalars.",
                key.getValue(), where));
      } else if (entries.containsKey(key.getValue())) {
        problems.add(
            String.format("%s is given a second time %s: leave one.", key.getValue(), where));
      } else if (!texts.isEmpty()) {
        entries.put(key.getValue(), new SettingValues.Given(texts, where));
      }
    }
    return entries;
  }

  /** Null for what an option cannot take; an empty list for YAML's null and for an empty list. */
  private static List<String> texts(Node node) {
    if (node instanceof ScalarNode scalar) {
      return scalar.getTag().equals(Tag.NULL) ? List.of() : List.of(scalar.getValue());
    }
    if (node instanceof SequenceNode sequence) {
      List<String> texts = new ArrayList<>();
      for (Node item : sequence.getValue()) {
        if (!(item instanceof ScalarNode scalar)) {
          return null;
        }
        texts.add(scalar.getValue());
      }
      return texts;
    }
    return null;
  }

  private static String firstLine(Exception e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
