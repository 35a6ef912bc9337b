package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.TemplateSettings;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A reward as a user names it: {@code KIND} or {@code KIND{"option":value}}, where a kind is a
 * built-in one, one of a {@link io.plumbline.reward.RewardFunctionFactory} on the class path, or
 * the full name of a class.
 *
 * @param kind the kind's name; {@code class} for a class
 * @param options a JSON object as text, without the options that every kind has
 * @param weight what the reward is multiplied by where several are added; the option {@code weight}
 * @param name what metrics call it, as in {@code rewards/NAME/mean}; the option {@code name}, by
 *     default the kind, for a class its name without the package
 * @param timeout how long a batch may take; the option {@code timeout} in seconds
 */
public record RewardSpec(String kind, String options, double weight, String name, Duration timeout)
    implements Serializable {
  /** The kind of a function that is named by its class. */
  static final String CLASS = "class";

  /** The longest that a batch may take where nothing is said. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(5);

  private static final Pattern SYNTAX =
      Pattern.compile(
          "([A-Za-z_$][\\w$-]*+(?:\\.[A-Za-z_$][\\w$]*+)*+)\\s*+(\\{.*+)?", Pattern.DOTALL);

  /** A name is a part of a metric's name and of a column's. */
  private static final Pattern NAME = Pattern.compile("[\\w.$-]++");

  public RewardSpec {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(timeout, "timeout");
    if (!NAME.matcher(name).matches()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "\"" + name + "\" cannot name a reward: use letters, digits, dots, dashes and _.");
    }
  }

  /** The kinds that there are by name: the built-in ones, and those on the class path. */
  public static List<String> kinds() {
    return RewardKinds.names();
  }

  /**
   * Reads what a user wrote.
   *
   * @throws PlumblineException BAD_USAGE where it is not of this form, or a common option does not
   *     fit; whether the kind exists and has the other options shows when it is opened
   */
  public static RewardSpec parse(String text) {
    Matcher matcher = SYNTAX.matcher(text.strip());
    if (!matcher.matches()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "\""
              + text
              + "\" is no reward: write KIND or KIND{\"option\":value}, as in answer or"
              + " answer{\"weight\":0.5}.");
    }
    String written = matcher.group(1);
    ObjectNode options =
        matcher.group(2) == null
            ? Options.JSON.createObjectNode()
            : Options.parse(matcher.group(2), written);
    String kind = written;
    if (written.contains(".")) {
      kind = CLASS;
      options.put(CLASS, written);
    } else if (written.equals(CLASS) && !options.has(CLASS)) {
      Options named = new Options(CLASS, options);
      options.put(CLASS, named.requiredText("name", "com.acme.MyReward"));
      options.remove("name");
    }
    Options common = new Options(written, options);
    double weight = common.number("weight", 1);
    double seconds = common.numberOverZero("timeout", DEFAULT_TIMEOUT.toMillis() / 1000.0);
    String name = common.text("name").orElse(defaultName(kind, options));
    options.remove(Options.COMMON);
    return new RewardSpec(
        kind, options.toString(), weight, name, Duration.ofNanos((long) (seconds * 1e9)));
  }

  private static String defaultName(String kind, ObjectNode options) {
    if (!kind.equals(CLASS)) {
      return kind;
    }
    String className = options.path(CLASS).asText();
    return className.substring(
        Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1);
  }

  /**
   * This reward in a run that renders conversations in its own way: a kind that renders them by a
   * template of its own takes the run's variables and its date, as far as its options say nothing
   * of them.
   */
  public RewardSpec renderedAs(TemplateSettings run) {
    if (!kind.equals(ModelReward.KIND)) {
      return this;
    }
    ObjectNode all = optionsObject();
    if (!run.variables().isEmpty() && !all.has(ModelReward.VARIABLES)) {
      all.set(ModelReward.VARIABLES, Options.JSON.valueToTree(run.variables()));
    }
    if (!run.date().isEmpty() && !all.has(ModelReward.DATE)) {
      all.put(ModelReward.DATE, run.date());
    }
    return new RewardSpec(kind, all.toString(), weight, name, timeout);
  }

  /** The directory of the reward model; empty for another kind. */
  public Optional<String> modelPath() {
    return kind.equals(ModelReward.KIND)
        ? Optional.of(optionsObject().path(ModelReward.PATH).asText())
        : Optional.empty();
  }

  /** This reward with another directory of its model; a reward of another kind as it is. */
  public RewardSpec withModelPath(UnaryOperator<String> change) {
    if (!kind.equals(ModelReward.KIND)) {
      return this;
    }
    ObjectNode all = optionsObject();
    all.put(ModelReward.PATH, change.apply(all.path(ModelReward.PATH).asText()));
    return new RewardSpec(kind, all.toString(), weight, name, timeout);
  }

  ObjectNode optionsObject() {
    return Options.parse(options, kind);
  }

  /** What {@link #parse} reads as this: for the record of a run. */
  public String text() {
    ObjectNode all = optionsObject();
    if (weight != 1) {
      all.put("weight", weight);
    }
    if (!name.equals(defaultName(kind, all))) {
      all.put("name", name);
    }
    if (!timeout.equals(DEFAULT_TIMEOUT)) {
      all.put("timeout", timeout.toNanos() / 1e9);
    }
    return all.isEmpty() ? kind : kind + all;
  }
}
