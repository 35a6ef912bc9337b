package io.plumbline.objective.pair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Records;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Objectives;
import io.plumbline.objective.TrlDefaults;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class LossTypesTest {
  private static final PreferenceSettings DEFAULTS = TrlDefaults.preference();

  static List<String> names() {
    return LossTypes.names();
  }

  @Test
  void theDefaultIsDpo() {
    assertThat(LossTypes.of("sigmoid", DEFAULTS)).isEqualTo(Objectives.dpo(0.1));
    assertThat(LossTypes.names()).startsWith("sigmoid");
  }

  @ParameterizedTest
  @MethodSource("names")
  void onlySomeLookAtTheBatchAndOnlyLikelihoodNeedsNoReference(String name) {
    PreferenceObjective objective =
        LossTypes.of(
            name,
            name.equals("exo_pair") ? Records.with(DEFAULTS, "labelSmoothing", 0.001) : DEFAULTS);
    assertThat(objective instanceof BatchObjective)
        .isEqualTo(name.startsWith("aot") || name.equals("bco_pair_shifted"));
    assertThat(objective.needsReference()).isEqualTo(!name.startsWith("sft"));
    assertThat(objective.needsMargin()).isEqualTo(name.equals("sppo"));
  }

  @Test
  void severalTypesAreAWeightedSum() {
    List<PairLogps> batch = Objectives.pairs(3, 4);
    List<PairLoss> mixed = Objectives.mix("sigmoid:0.8, bco_pair:0.2,sft", DEFAULTS).losses(batch);
    for (int i = 0; i < batch.size(); i++) {
      PairLogps pair = batch.get(i);
      assertThat(mixed.get(i))
          .isEqualTo(
              Objectives.dpo(0.1)
                  .loss(pair)
                  .times(0.8)
                  .plus(new BcoPair(0.1, 0).loss(pair).times(0.2))
                  .plus(new Sft(Sft.Mean.OVER_TOKENS).loss(pair)));
    }
    assertThat(
            LossTypes.of(List.of("sigmoid", "bco_pair", "sft"), List.of(0.8, 0.2, 1.0), DEFAULTS)
                .losses(batch))
        .isEqualTo(mixed);
  }

  @Test
  void aMixIsOfABatchIfAnyPartIs() {
    assertThat(Objectives.mix("sigmoid,sft", DEFAULTS)).isInstanceOf(PairObjective.class);
    assertThat(Objectives.mix("sigmoid,aot", DEFAULTS)).isInstanceOf(BatchObjective.class);
    assertThat(Objectives.mix("sft,sft_norm", DEFAULTS).needsReference()).isFalse();
    assertThat(Objectives.mix("sft,aot", DEFAULTS).needsReference()).isTrue();
    assertThat(Objectives.mix("sft,sppo", DEFAULTS).needsMargin()).isTrue();
    assertThat(Objectives.mix("hinge,sigmoid:0", DEFAULTS))
        .isEqualTo(new Hinge(0.1, new Divergence.ReverseKl()));
  }

  @ParameterizedTest
  @CsvSource({
    "sigmod,sigmoid",
    "sigmoid-norm,sigmoid_norm",
    "exo_pairs,exo_pair",
    "rubost,robust",
    "IPO,''",
    "'',''"
  })
  void unknownNamesAreRefusedWithTheNearest(String name, String nearest) {
    assertThatThrownBy(() -> LossTypes.of(name, DEFAULTS))
        .hasMessage(
            "There is no loss type "
                + name
                + (nearest.isEmpty() ? "" : " (did you mean " + nearest + "?)")
                + ": use one of "
                + String.join(", ", LossTypes.names())
                + ".");
    assertRefused(() -> LossTypes.of(name, DEFAULTS), "no loss type");
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertRefused(
        () -> LossTypes.of("exo_pair", DEFAULTS), "exo_pair needs a label_smoothing over 0");
    assertRefused(
        () -> LossTypes.of("robust", Records.with(DEFAULTS, "labelSmoothing", 0.5)),
        "robust needs a label_smoothing under 0.5");
    assertRefused(
        () -> LossTypes.of("hinge", Records.with(DEFAULTS, "labelSmoothing", 0.1)),
        "label_smoothing does nothing for the loss type hinge: leave it at 0, or use one of"
            + " sigmoid, sigmoid_norm, exo_pair, robust, aot, aot_unpaired.");
    PreferenceSettings js = Records.with(DEFAULTS, "divergence", new Divergence.JensenShannon());
    assertRefused(
        () -> Objectives.mix("sigmoid,nca_pair", js),
        "nca_pair cannot go with f_divergence_type js_divergence");
    assertRefused(
        () -> Objectives.mix("sigmoid,sft", Records.with(DEFAULTS, "ldAlpha", 0.5)),
        "sft cannot go with ld_alpha under 1");
    assertRefused(
        () ->
            Objectives.mix(
                "aot", Records.with(DEFAULTS, "weighting", PreferenceSettings.Weighting.WPO)),
        "aot cannot go with use_weighting");
    assertRefused(() -> Objectives.mix("sigmoid:-1", DEFAULTS), "must be 0 or more");
    assertRefused(() -> Objectives.mix("sigmoid:NaN", DEFAULTS), "must be 0 or more");
    assertRefused(() -> Objectives.mix("sigmoid:0,sft:0", DEFAULTS), "All loss_weights are 0");
    assertRefused(() -> Objectives.mix("sigmoid,", DEFAULTS), "There is no loss type");
    assertRefused(
        () -> LossTypes.of(List.of("sigmoid", "sft"), List.of(1.0), DEFAULTS),
        "2 loss types and 1 loss_weights");
    assertRefused(() -> LossTypes.of(List.of(), List.of(), DEFAULTS), "No loss type is given");
  }

  /** Where one part of a mix takes the smoothing, the others are left without. */
  @Test
  void aMixMayHavePartsThatIgnoreSmoothing() {
    assertThat(Objectives.mix("exo_pair,bco_pair", Records.with(DEFAULTS, "labelSmoothing", 0.01)))
        .isInstanceOf(PairObjective.class);
    assertThat(
            Objectives.mix(
                "sigmoid,sft", Records.with(DEFAULTS, "divergence", new Divergence.ForwardKl())))
        .isInstanceOf(PairObjective.class);
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertRefused(
        () -> Records.with(DEFAULTS, "beta", 0), "beta must be over 0, and 0.0 was given.");
    assertRefused(() -> Records.with(DEFAULTS, "beta", Double.NaN), "beta");
    assertRefused(() -> Records.with(DEFAULTS, "labelSmoothing", 0.6), "label_smoothing");
    assertRefused(() -> Records.with(DEFAULTS, "discopopTau", -1), "discopop_tau");
    assertRefused(() -> Records.with(DEFAULTS, "ldAlpha", 1.1), "ld_alpha");
    assertRefused(() -> new KtoSettings(0.1, -1, 1), "desirable_weight");
    assertRefused(() -> new KtoSettings(0.1, 1, Double.NaN), "undesirable_weight");
    assertRefused(() -> Records.with(TrlDefaults.cpo(), "cpoAlpha", -1), "cpo_alpha");
    assertRefused(() -> Records.with(TrlDefaults.cpo(), "alpha", Double.NaN), "alpha");
    assertRefused(() -> OddsRatio.withLikelihood(-0.1, Sft.Mean.OVER_TOKENS), "beta");
    assertRefused(() -> Divergence.named("js", 0.5), "no f-divergence js: use one of reverse_kl, ");
    assertRefused(() -> Divergence.named("forwardkl", 0.5), "did you mean forward_kl?");
  }

  @Test
  void theOtherFamiliesRefuseToo() {
    CpoSettings cpo = TrlDefaults.cpo();
    assertRefused(() -> CpoLossTypes.of("simpoo", cpo), "did you mean simpo?");
    assertRefused(
        () -> CpoLossTypes.of("hinge", Records.with(cpo, "labelSmoothing", 0.1)),
        "does nothing for");
    assertRefused(() -> CpoLossTypes.of("alphapo", cpo), "needs an alpha other than 0");
    assertRefused(() -> KtoLossTypes.of("kot", TrlDefaults.kto()), "did you mean kto?");
  }

  @Test
  void cpoAddsTheLikelihoodAndAlphaPoDoesNot() {
    PairLogps pair = Objectives.pair(-6, -9, 0, 0, 3, 5);
    CpoSettings settings = Records.with(TrlDefaults.cpo(), "alpha", 0.25, "cpoAlpha", 0.5);
    PairLoss simPo = ((PairObjective) CpoLossTypes.of("simpo", settings)).loss(pair);
    PairLoss alphaPo = ((PairObjective) CpoLossTypes.of("alphapo", settings)).loss(pair);
    assertThat(simPo).isEqualTo(alphaPo.plus(new Sft(Sft.Mean.OVER_TOKENS).loss(pair).times(0.5)));
  }

  /** Executors get the settings, not the objective. */
  @Test
  void settingsTravel() throws Exception {
    PreferenceSettings settings =
        Records.with(
            DEFAULTS, "divergence", new Divergence.AlphaDivergence(0.3), "labelSmoothing", 0.1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(settings);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(settings);
    }
  }

  private static void assertRefused(ThrowingCallable call, String part) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_USAGE))
        .hasMessageContaining(part)
        .message()
        .endsWith(".");
  }
}
