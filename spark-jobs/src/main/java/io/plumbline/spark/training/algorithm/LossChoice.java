package io.plumbline.spark.training.algorithm;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Registry;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.SettingsOf;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Settings that name a loss, or several, of those that are registered. */
interface LossChoice extends AlgorithmSettings, PartlyUsed {
  /** The option that names losses. */
  String OPTION = "loss-type";

  /** As they were given. */
  List<String> lossType();

  /** The loss of an algorithm that mixes none. */
  default String onlyLoss() {
    if (lossType().size() != 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--loss-type names "
              + String.join(", ", lossType())
              + ", and only "
              + Algorithms.mixing()
              + " mixes losses: name one.");
    }
    return lossType().get(0);
  }

  @Override
  default Set<String> unused() {
    return unread();
  }

  /** Options that follow the name of the loss and that no loss reads that is named. */
  private Set<String> unread() {
    Set<String> unread = algorithm().losses().unread(lossType());
    Set<String> unused = new LinkedHashSet<>();
    for (DeclaredOption option : SettingsOf.type(algorithm().settings()).options()) {
      if (unread.contains(option.name())
          && List.of(option.declaration().follows()).contains(OPTION)) {
        unused.add(option.name());
      }
    }
    return unused;
  }

  @Override
  default AlgorithmSettings checked(GivenOptions given) {
    return refusesWeights(given) ? this : AlgorithmSettings.super.checked(given);
  }

  /** Refuses weights behind names, which only a mix has. */
  default boolean refusesWeights(GivenOptions given) {
    boolean weighted = lossType().stream().anyMatch(loss -> loss.contains(":"));
    if (weighted) {
      given.refuse(
          String.format(
              Locale.ROOT,
              "--loss-type is '%s', and only %s weighs losses: leave out the part from the colon"
                  + " on.",
              String.join(",", lossType()),
              Algorithms.mixing()));
    }
    return weighted;
  }

  @Override
  default void refuseIgnored(GivenOptions given) {
    for (String option : unread()) {
      if (given.has(option)) {
        refuse(option, needed(OPTION, algorithm().losses(), option), given);
      }
    }
  }

  /** A part of a sentence: the values of an option with which another one does something. */
  static String needed(String option, Registry<?, ?> values, String other) {
    List<String> reading = values.reading(other);
    List<String> without = values.names().stream().filter(name -> !reading.contains(name)).toList();
    return reading.size() <= without.size()
        ? "--" + option + " " + String.join(" or ", reading)
        : "a --" + option + " other than " + String.join(" or ", without);
  }

  static void refuse(String option, String needed, GivenOptions given) {
    given.refuse(
        "--" + option + " does nothing without " + needed + ": add that, or leave it out.");
  }
}
