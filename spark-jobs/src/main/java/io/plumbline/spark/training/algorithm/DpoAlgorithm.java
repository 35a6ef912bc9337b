package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.RowReading.Margins;
import io.plumbline.objective.Registry;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.LengthDesensitized;
import io.plumbline.objective.pair.LossTypes;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.objective.pair.PreferenceSettings.Weighting;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Texts;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.Dpo;
import io.plumbline.train.Dpo.Reference;
import io.plumbline.train.LoopOutcome;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Direct preference optimisation and its kin. */
public final class DpoAlgorithm extends Algorithm {
  public static final Algorithm DPO = new DpoAlgorithm();

  private DpoAlgorithm() {
    super(
        "dpo",
        ExampleKind.PREFERENCE,
        Settings.class,
        new Help(
            "Direct preference optimisation: prefers the chosen side of each pair.",
            "Prepares the data, fills the reference log-probability cache with the rows that it"
                + " lacks, trains a gang of ranks and writes a Hugging Face checkpoint. Rows hold"
                + " chosen and rejected, with the prompt beside them or inside both.",
            List.of(
                "dpo --model runs/sft/checkpoint --data pairs.jsonl --eval-data held-out.jsonl"
                    + " --output runs/dpo",
                "dpo --config dpo.yaml --output runs/dpo --ranks 4 --resume")),
        List.of(
            Clause.percent(
                "the share of pairs whose chosen side has the higher implicit reward",
                "eval_rewards/accuracies"),
            Clause.number("the mean margin of the rewards", "eval_rewards/margins")));
  }

  private static final String ALPHA = "f-alpha-divergence-coef";

  @Override
  public Registry<?, ?> losses() {
    return LossTypes.all();
  }

  @Override
  public boolean mixesLosses() {
    return true;
  }

  /**
   * Direct preference optimisation and its kin.
   *
   * @param beta β: how strongly the policy is held to the reference
   * @param lossType names of losses; several make a weighted mix
   * @param lossWeights a weight for each; empty for 1 each
   * @param fDivergenceType which divergence from the reference a log-ratio stands for
   * @param fAlphaDivergenceCoef α of the α-divergence
   * @param ldAlpha how much the tokens count by which one side is longer than the other; 1 for
   *     fully
   * @param weighting how much a pair counts
   * @param reference whether log-ratios are taken to the reference
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without("desirable-from")
  @Varied(option = "model", also = " It is the reference too.")
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  public record Settings(
      @Option(help = OptionHelp.BETA, standard = "0.1", positive = true) double beta,
      @Option(
              label = "NAME[:X][,...]",
              help =
                  "Which loss; several make a mix, each with a weight, as in sigmoid:0.8,sft:0.2"
                      + " (docs/objectives.md): ",
              standard = LossTypes.STANDARD,
              commas = true)
          List<String> lossType,
      @Option(
              label = "X[,X...]",
              help =
                  "A weight for each loss of a mix, as TRL has them; or write them behind the names.",
              min = 0,
              commas = true)
          List<Double> lossWeights,
      @Option(help = OptionHelp.LABEL_SMOOTHING, standard = "0", min = 0, max = 0.5, neutral = "0")
          double labelSmoothing,
      @Option(
              label = "NAME",
              help =
                  "Divergence from the reference: reverse_kl, forward_kl, js_divergence or"
                      + " alpha_divergence.",
              standard = "reverse_kl",
              words = {"reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"},
              neutral = "reverse_kl")
          String fDivergenceType,
      @Option(
              help = "The alpha of alpha_divergence.",
              standard = "0.5",
              follows = "f-divergence-type")
          double fAlphaDivergenceCoef,
      @Option(
              help = "Temperature of discopop's mixture.",
              standard = "0.05",
              positive = true,
              follows = "loss-type")
          double discopopTau,
      @Option(
              help =
                  "How much the tokens count by which one side is longer than the other; 1 for as"
                      + " much as all others (LD-DPO).",
              standard = "1",
              min = 0,
              max = 1,
              neutral = "1")
          double ldAlpha,
      @Option(
              name = "use-weighting",
              help = "Weighs pairs by how probable they are to the policy (WPO).",
              flag = "WPO",
              neutral = "false")
          Weighting weighting,
      @Option(
              name = "reference-free",
              help = "Compares with no reference: its log-probabilities are 0.",
              flag = "UNIFORM",
              neutral = "false")
          Reference reference)
      implements LossChoice {
    public Settings {
      // Lists that every Java serializes.
      lossType = List.copyOf(lossType);
      lossWeights = List.copyOf(lossWeights);
    }

    /** These with other losses, each with its weight. */
    public Settings mixing(List<String> names, List<Double> weights) {
      return new Settings(
          beta,
          names,
          weights,
          labelSmoothing,
          fDivergenceType,
          fAlphaDivergenceCoef,
          discopopTau,
          ldAlpha,
          weighting,
          reference);
    }

    @Override
    public Algorithm algorithm() {
      return DPO;
    }

    @Override
    public Set<String> unused() {
      Set<String> unused = new HashSet<>(LossChoice.super.unused());
      if (!Divergence.TYPES.reads(fDivergenceType, ALPHA)) {
        unused.add(ALPHA);
      }
      return unused;
    }

    @Override
    public AlgorithmSettings checked(GivenOptions given) {
      if (lossType.stream().noneMatch(loss -> loss.contains(":"))) {
        return LossChoice.super.checked(given);
      }
      if (!lossWeights.isEmpty()) {
        given.refuse("--loss-type and --loss-weights both weigh the losses: do it in one of them.");
      }
      return mixing(
              lossType.stream().map(loss -> loss.replaceFirst(":.*", "")).toList(),
              lossType.stream().map(loss -> weight(loss, given)).toList())
          .checked(given);
    }

    private static double weight(String loss, GivenOptions given) {
      int colon = loss.indexOf(':');
      if (colon < 0) {
        return 1;
      }
      try {
        return Texts.realNumber(loss.substring(colon + 1), 0, Double.POSITIVE_INFINITY);
      } catch (IllegalArgumentException e) {
        given.refuse(
            String.format(
                "--loss-type has '%s', and the weight behind its colon %s.", loss, e.getMessage()));
        return 1;
      }
    }

    @Override
    public void refuseIgnored(GivenOptions given) {
      LossChoice.super.refuseIgnored(given);
      if (!Divergence.TYPES.reads(fDivergenceType, ALPHA) && given.has(ALPHA)) {
        LossChoice.refuse(
            ALPHA, LossChoice.needed("f-divergence-type", Divergence.TYPES, ALPHA), given);
      }
      if (reference == Reference.UNIFORM && given.has("reference-cache")) {
        given.refuse(
            "--reference-free compares with no reference, so --reference-cache does nothing: leave"
                + " one out.");
      }
    }

    @Override
    public void check() {
      objective();
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return rank.onRows(
          new Dpo(
              new Dpo.Settings(
                  objective(),
                  beta,
                  reference,
                  weighting,
                  ldAlpha < 1 ? Optional.of(new LengthDesensitized(ldAlpha)) : Optional.empty(),
                  rank.settings().drift())));
    }

    private PreferenceObjective objective() {
      return LossTypes.of(
          lossType,
          lossWeights,
          new PreferenceSettings(
              beta,
              labelSmoothing,
              Divergence.named(fDivergenceType, fAlphaDivergenceCoef),
              discopopTau,
              ldAlpha,
              weighting));
    }

    @Override
    public boolean needsReference() {
      return reference == Reference.FROZEN;
    }

    @Override
    public Margins margins() {
      return objective().needsMargin() ? Margins.LEARNED : Margins.NOT_USED;
    }
  }
}
