package io.plumbline.objective.unpaired;

import io.plumbline.objective.Registry;
import java.util.List;
import java.util.Set;

/**
 * The loss types of single labelled completions, by TRL's names ({@code loss_type} of its KTO
 * trainer).
 */
public final class KtoLossTypes {
  /** The name of the loss that is taken where none is named. */
  public static final String STANDARD = "kto";

  private static final Registry<KtoSettings, UnpairedObjective> TYPES =
      new Registry<KtoSettings, UnpairedObjective>("loss type")
          .with(
              STANDARD,
              s -> new Kto(s.beta(), s.desirableWeight(), s.undesirableWeight()),
              Set.of())
          .with(
              "apo_zero_unpaired",
              s -> new ApoZeroUnpaired(s.beta(), s.desirableWeight(), s.undesirableWeight()),
              Set.of());

  private KtoLossTypes() {}

  /** All of them. */
  public static Registry<?, ?> all() {
    return TYPES;
  }

  /** All names, the default first. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of a type; fails with BAD_USAGE where there is none of that name. */
  public static UnpairedObjective of(String name, KtoSettings settings) {
    return TYPES.of(name, settings);
  }
}
