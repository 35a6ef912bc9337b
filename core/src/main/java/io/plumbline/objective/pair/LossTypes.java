package io.plumbline.objective.pair;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Lengths;
import io.plumbline.objective.Registry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The loss types of preference pairs with a reference, by TRL's names ({@code loss_type} of its DPO
 * trainer), and the papers' forms where they differ. Each says what it reads beyond β; several may
 * stand in a {@link Mix}.
 */
public final class LossTypes {
  /** The name of the loss that is taken where none is named. */
  public static final String STANDARD = "sigmoid";

  private static final String LABEL_SMOOTHING = "label-smoothing";
  private static final String DIVERGENCE = "f-divergence-type";

  /** Sides from {@link LengthDesensitized}. */
  private static final String LD_ALPHA = "ld-alpha";

  /** Pairs weighted by {@link WeightedPreference}. */
  private static final String WEIGHTING = "use-weighting";

  /** What a loss of Δ reads that has label smoothing. */
  private static final Set<String> OF_LABELS =
      Set.of(LABEL_SMOOTHING, DIVERGENCE, LD_ALPHA, WEIGHTING);

  /** What a loss of Δ reads, a {@link LogRatioObjective}. */
  private static final Set<String> OF_DIFFERENCES = Set.of(DIVERGENCE, LD_ALPHA, WEIGHTING);

  /** What a loss of the two sides' log-ratios reads, not of their difference alone. */
  private static final Set<String> OF_SIDES = Set.of(LD_ALPHA, WEIGHTING);

  /** What a loss of the whole batch reads. */
  private static final Set<String> OF_BATCHES = Set.of(LABEL_SMOOTHING, LD_ALPHA);

  /** A likelihood has no log-ratio: the divergence of the other parts leaves it alone. */
  private static final Set<String> OF_LIKELIHOODS = Set.of(DIVERGENCE);

  private static final Registry<PreferenceSettings, PreferenceObjective> TYPES =
      new Registry<PreferenceSettings, PreferenceObjective>("loss type")
          .with(
              STANDARD,
              s -> new SigmoidPreference(s.beta(), s.labelSmoothing(), s.divergence()),
              OF_LABELS)
          .with(
              "sigmoid_norm",
              s -> new SigmoidNorm(s.beta(), s.labelSmoothing(), s.divergence()),
              OF_LABELS)
          .with("hinge", s -> new Hinge(s.beta(), s.divergence()), OF_DIFFERENCES)
          .with("ipo", s -> new Ipo(s.beta(), Lengths.PER_TOKEN, s.divergence()), OF_DIFFERENCES)
          .with("ipo_sum", s -> new Ipo(s.beta(), Lengths.SUMMED, s.divergence()), OF_DIFFERENCES)
          .with("exo_pair", LossTypes::exoPair, OF_LABELS)
          .with("nca_pair", s -> new NcaPair(s.beta()), OF_SIDES)
          .with("robust", LossTypes::robust, OF_LABELS)
          .with("bco_pair", s -> new BcoPair(s.beta(), 0), OF_SIDES)
          .with("bco_pair_shifted", s -> new BcoPairShifted(s.beta()), Set.of(LD_ALPHA))
          .with("sppo_hard", s -> new Sppo(s.beta(), Sppo.Preference.CERTAIN), OF_SIDES)
          .with("sppo", s -> new Sppo(s.beta(), Sppo.Preference.BY_MARGIN), OF_SIDES)
          .with("aot", s -> new Aot(s.beta(), s.labelSmoothing()), OF_BATCHES)
          .with("aot_unpaired", s -> new AotUnpaired(s.beta(), s.labelSmoothing()), OF_BATCHES)
          .with("apo_zero", s -> new ApoZero(s.beta()), OF_SIDES)
          .with("apo_down", s -> new ApoDown(s.beta()), OF_SIDES)
          .with(
              "discopop",
              s -> new DiscoPop(s.beta(), s.discopopTau(), s.divergence()),
              Set.of(DIVERGENCE, LD_ALPHA, WEIGHTING, "discopop-tau"))
          .with("sft", s -> new Sft(Sft.Mean.OVER_TOKENS), OF_LIKELIHOODS)
          .with("sft_norm", s -> new Sft(Sft.Mean.OVER_PAIRS), OF_LIKELIHOODS);

  private LossTypes() {}

  /** All of them, and what each reads. */
  public static Registry<?, ?> all() {
    return TYPES;
  }

  /** All names, the default first. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of one type. Fails like {@link #of(List, List, PreferenceSettings)}. */
  public static PreferenceObjective of(String name, PreferenceSettings settings) {
    return of(List.of(name), List.of(), settings);
  }

  /**
   * The weighted sum of the types' objectives. Fails with BAD_USAGE where a name is unknown, where
   * there are not as many weights as names, where a setting does not fit a type, or where no type
   * takes one.
   *
   * @param weights TRL's {@code loss_weights}, one a name; empty for 1 each
   */
  public static PreferenceObjective of(
      List<String> names, List<Double> weights, PreferenceSettings settings) {
    if (names.isEmpty()) {
      throw refused("No loss type is given: use one of " + String.join(", ", names()) + ".");
    }
    if (!weights.isEmpty() && weights.size() != names.size()) {
      throw refused(
          String.format(
              Locale.ROOT,
              "There are %d loss types and %d loss_weights: give one weight a type.",
              names.size(),
              weights.size()));
    }
    refuseUnfit(names, settings);

    List<Double> all = weights.isEmpty() ? Collections.nCopies(names.size(), 1.0) : weights;
    List<Mix.Part> parts = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      double weight = all.get(i);
      if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
        throw refused(
            "The weight of the loss type "
                + names.get(i)
                + " must be 0 or more, and "
                + weight
                + " was given.");
      }
      parts.add(new Mix.Part(TYPES.of(names.get(i), settings), weight));
    }
    if (all.stream().noneMatch(weight -> weight > 0)) {
      throw refused("All loss_weights are 0, so there is nothing to learn: give one over 0.");
    }
    return Mix.of(parts);
  }

  private static void refuseUnfit(List<String> names, PreferenceSettings settings) {
    names.forEach(TYPES::require);
    if (settings.labelSmoothing() > 0
        && names.stream().noneMatch(name -> TYPES.reads(name, LABEL_SMOOTHING))) {
      throw refused(
          "label_smoothing does nothing for the loss type "
              + String.join(", ", names)
              + ": leave it at 0, or use one of "
              + reading(LABEL_SMOOTHING)
              + ".");
    }
    for (String name : names) {
      if (!(settings.divergence() instanceof Divergence.ReverseKl)) {
        refuseUnless(name, DIVERGENCE, "f_divergence_type " + settings.divergence().name());
      }
      if (settings.ldAlpha() < 1) {
        refuseUnless(name, LD_ALPHA, "ld_alpha under 1");
      }
      if (settings.weighting() == PreferenceSettings.Weighting.WPO) {
        refuseUnless(name, WEIGHTING, "use_weighting");
      }
    }
  }

  private static void refuseUnless(String name, String option, String setting) {
    if (!TYPES.reads(name, option)) {
      throw refused(
          "The loss type "
              + name
              + " cannot go with "
              + setting
              + ": leave that out, or use only "
              + reading(option)
              + ".");
    }
  }

  private static String reading(String option) {
    return String.join(", ", TYPES.reading(option));
  }

  private static PreferenceObjective exoPair(PreferenceSettings settings) {
    if (settings.labelSmoothing() == 0) {
      throw refused(
          "The loss type exo_pair needs a label_smoothing over 0: set it, to 0.001 as its paper"
              + " does.");
    }
    return new ExoPair(settings.beta(), settings.labelSmoothing(), settings.divergence());
  }

  private static PreferenceObjective robust(PreferenceSettings settings) {
    if (settings.labelSmoothing() >= 0.5) {
      throw refused(
          "The loss type robust needs a label_smoothing under 0.5, the share of flipped labels, and "
              + settings.labelSmoothing()
              + " was given.");
    }
    return new Robust(settings.beta(), settings.labelSmoothing(), settings.divergence());
  }

  private static PlumblineException refused(String sentence) {
    return new PlumblineException(ErrorCode.BAD_USAGE, sentence);
  }
}
