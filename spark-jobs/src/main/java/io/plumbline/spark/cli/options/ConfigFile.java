package io.plumbline.spark.cli.options;

import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;

/**
 * A YAML file of option names and values. Only the text of the scalars is taken, never an object of
 * YAML's making, so {@code 1e-6} and {@code no} mean what they mean on the command line.
 */
public final class ConfigFile {
  private ConfigFile() {}

  /** Keys as they are written, in order, each with its texts and its line. */
  public static Map<String, SettingValues.Given> read(Path file, Problems problems) {
    return source(file, "--config", problems)
        .map(source -> parse(source, file.toString(), problems))
        .orElse(Map.of());
  }

  /** A file's text; a problem where it cannot be read. */
  public static Optional<String> source(Path file, String option, Problems problems) {
    try {
      String source = Files.readString(file, StandardCharsets.UTF_8);
      Storage.refuseCredentials(source);
      return Optional.of(source);
    } catch (IOException e) {
      problems.add(
          String.format(
              "%s names %s, which cannot be read: give a YAML file of option names and values.",
              option, file));
      return Optional.empty();
    }
  }

  public static Map<String, SettingValues.Given> parse(
      String source, String name, Problems problems) {
    return mapping(source, name, problems)
        .map(mapping -> entries(mapping, name, problems))
        .orElse(Map.of());
  }

  /** The mapping that a file is; empty for an empty file, and with a problem for anything else. */
  public static Optional<MappingNode> mapping(String source, String name, Problems problems) {
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
      return Optional.empty();
    } catch (YAMLException e) {
      problems.add(String.format("%s is not YAML: %s.", name, firstLine(e)));
      return Optional.empty();
    }
    if (root == null) {
      return Optional.empty();
    }
    if (!(root instanceof MappingNode mapping)) {
      problems.add(String.format("%s must be a YAML mapping of option names to values.", name));
      return Optional.empty();
    }
    return Optional.of(mapping);
  }

  /** The options that a mapping gives. */
  public static Map<String, SettingValues.Given> entries(
      MappingNode mapping, String name, Problems problems) {
    Map<String, SettingValues.Given> entries = new LinkedHashMap<>();
    keys(mapping, name, problems)
        .forEach(
            (key, value) -> {
              String where = where(name, value.key());
              Optional<List<String>> texts = OptionTexts.of(key, value.node());
              if (texts.isEmpty() && isOnlyOfTrl(key)) {
                // Some of TRL's take mappings; the name alone has an answer.
                entries.put(key, new SettingValues.Given(List.of(), where));
              } else if (texts.isEmpty()) {
                problems.add(
                    String.format(
                        "%s has a value %s that is neither a scalar nor a list of scalars.",
                        key, where));
              } else if (!texts.get().isEmpty()) {
                entries.put(key, new SettingValues.Given(texts.get(), where));
              }
            });
    return entries;
  }

  /** A key of a mapping with what stands behind it. */
  public record Value(Node key, Node node) {}

  /** The keys of a mapping in order; what is no name, and what stands twice, is a problem. */
  public static Map<String, Value> keys(MappingNode mapping, String name, Problems problems) {
    Map<String, Value> keys = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String where = where(name, tuple.getKeyNode());
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        problems.add(
            String.format(
                "A key %s is not a name: write an option's name, a colon and its value.", where));
      } else if (keys.putIfAbsent(key.getValue(), new Value(key, tuple.getValueNode())) != null) {
        problems.add(
            String.format("%s is given a second time %s: leave one.", key.getValue(), where));
      }
    }
    return keys;
  }

  /** Where a node stands, for messages. */
  public static String where(String name, Node node) {
    return "in " + name + ", line " + (node.getStartMark().getLine() + 1);
  }

  private static String firstLine(Exception e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }

  /** Whether TRL has an option of this name and no command here has. */
  private static boolean isOnlyOfTrl(String key) {
    return TrlOptions.findNear("", key)
        .filter(option -> !option.options().contains(key.replace('_', '-')))
        .isPresent();
  }
}
