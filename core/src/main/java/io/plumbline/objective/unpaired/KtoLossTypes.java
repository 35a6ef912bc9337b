package io.plumbline.objective.unpaired;

import io.plumbline.objective.Registry;
import java.util.List;
import java.util.function.Function;

/**
 * The loss types of single labelled completions, by TRL's names ({@code loss_type} of its KTO
 * trainer).
 */
public final class KtoLossTypes {
  private static final Registry<Function<KtoSettings, UnpairedObjective>> TYPES =
      new Registry<Function<KtoSettings, UnpairedObjective>>("loss type")
          .with("kto", s -> new Kto(s.beta(), s.desirableWeight(), s.undesirableWeight()))
          .with(
              "apo_zero_unpaired",
              s -> new ApoZeroUnpaired(s.beta(), s.desirableWeight(), s.undesirableWeight()));

  private KtoLossTypes() {}

  /** All names, the default first. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of a type; fails with BAD_USAGE where there is none of that name. */
  public static UnpairedObjective of(String name, KtoSettings settings) {
    return TYPES.named(name).apply(settings);
  }
}
