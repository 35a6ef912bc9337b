package io.plumbline.objective.pair;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Lengths;
import io.plumbline.objective.Registry;
import java.util.List;
import java.util.Set;

/**
 * The loss types of preference pairs without a reference, by TRL's names ({@code loss_type} of its
 * CPO trainer). To those that read {@link CpoSettings#cpoAlpha}, the chosen side's negative
 * log-likelihood ({@link Sft}, a mean over the batch's tokens) is added so many times.
 */
public final class CpoLossTypes {
  /** The name of the loss that is taken where none is named. */
  public static final String STANDARD = "simpo";

  private static final String LABEL_SMOOTHING = "label-smoothing";
  private static final String SIMPO_GAMMA = "simpo-gamma";
  private static final String CPO_ALPHA = "cpo-alpha";

  private static final Registry<CpoSettings, PolicyObjective> TYPES =
      new Registry<CpoSettings, PolicyObjective>("loss type")
          .with(
              "sigmoid",
              s -> new CpoSigmoid(s.beta(), s.labelSmoothing(), s.alpha()),
              Set.of(LABEL_SMOOTHING, CPO_ALPHA))
          .with("hinge", s -> new CpoHinge(s.beta(), s.alpha()), Set.of(CPO_ALPHA))
          .with("ipo", s -> new CpoIpo(s.beta(), s.alpha()), Set.of(CPO_ALPHA))
          .with(STANDARD, CpoLossTypes::simPo, Set.of(LABEL_SMOOTHING, SIMPO_GAMMA, CPO_ALPHA))
          .with("alphapo", CpoLossTypes::alphaPo, Set.of(LABEL_SMOOTHING, SIMPO_GAMMA));

  private CpoLossTypes() {}

  /** All of them, and what each reads. */
  public static Registry<?, ?> all() {
    return TYPES;
  }

  /** All names. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of a type; fails with BAD_USAGE where the name or a setting does not fit. */
  public static PreferenceObjective of(String name, CpoSettings settings) {
    PolicyObjective preference = preference(name, settings);
    return TYPES.reads(name, CPO_ALPHA)
        ? Mix.of(
            List.of(
                new Mix.Part(preference, 1),
                new Mix.Part(new Sft(Sft.Mean.OVER_TOKENS), settings.cpoAlpha())))
        : preference;
  }

  /** Whether a type looks at sums over tokens or at means. Fails like {@link #of}. */
  public static Lengths lengths(String name, CpoSettings settings) {
    return preference(name, settings).lengths();
  }

  private static PolicyObjective preference(String name, CpoSettings settings) {
    TYPES.require(name);
    if (settings.labelSmoothing() > 0 && !TYPES.reads(name, LABEL_SMOOTHING)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "label_smoothing does nothing for the loss type "
              + name
              + ": leave it at 0, or use one of "
              + String.join(", ", TYPES.reading(LABEL_SMOOTHING))
              + ".");
    }
    return TYPES.of(name, settings);
  }

  private static SimPo simPo(CpoSettings settings) {
    return new SimPo(
        settings.beta(), settings.simpoGamma(), settings.labelSmoothing(), settings.alpha());
  }

  /** TRL's short form of simpo with α and without a likelihood part. */
  private static SimPo alphaPo(CpoSettings settings) {
    if (settings.alpha() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The loss type alphapo needs an alpha other than 0: set it, or use simpo.");
    }
    return simPo(settings);
  }
}
