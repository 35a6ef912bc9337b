package io.plumbline.objective.pair;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Registry;
import java.util.List;
import java.util.function.Function;

/**
 * The loss types of preference pairs without a reference, by TRL's names ({@code loss_type} of its
 * CPO trainer). {@code sigmoid} and {@code hinge} look at sums over tokens, {@code ipo} and {@code
 * simpo} at means. To each, the chosen side's negative log-likelihood ({@link Sft}, a mean over the
 * batch's tokens) is added, {@link CpoSettings#cpoAlpha} times.
 */
public final class CpoLossTypes {
  private static final Registry<Function<CpoSettings, PreferenceObjective>> TYPES =
      new Registry<Function<CpoSettings, PreferenceObjective>>("loss type")
          .with(
              "sigmoid",
              s -> withLikelihood(new CpoSigmoid(s.beta(), s.labelSmoothing(), s.alpha()), s))
          .with(
              "hinge",
              s -> withLikelihood(new CpoHinge(s.beta(), s.alpha()), unsmoothed("hinge", s)))
          .with("ipo", s -> withLikelihood(new CpoIpo(s.beta(), s.alpha()), unsmoothed("ipo", s)))
          .with("simpo", s -> withLikelihood(simPo(s), s))
          .with("alphapo", CpoLossTypes::alphaPo);

  private CpoLossTypes() {}

  /** All names. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of a type; fails with BAD_USAGE where the name or a setting does not fit. */
  public static PreferenceObjective of(String name, CpoSettings settings) {
    return TYPES.named(name).apply(settings);
  }

  private static SimPo simPo(CpoSettings settings) {
    return new SimPo(
        settings.beta(), settings.simpoGamma(), settings.labelSmoothing(), settings.alpha());
  }

  /** TRL's short form of simpo with α and without a likelihood part. */
  private static PreferenceObjective alphaPo(CpoSettings settings) {
    if (settings.alpha() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The loss type alphapo needs an alpha other than 0: set it, or use simpo.");
    }
    return simPo(settings);
  }

  private static CpoSettings unsmoothed(String name, CpoSettings settings) {
    if (settings.labelSmoothing() > 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "label_smoothing does nothing for the loss type "
              + name
              + ": leave it at 0, or use one of sigmoid, simpo, alphapo.");
    }
    return settings;
  }

  private static PreferenceObjective withLikelihood(
      PolicyObjective preference, CpoSettings settings) {
    return Mix.of(
        List.of(
            new Mix.Part(preference, 1),
            new Mix.Part(new Sft(Sft.Mean.OVER_TOKENS), settings.cpoAlpha())));
  }
}
