package io.plumbline.spark.training;

import io.plumbline.advantage.Advantages;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.GrpoSettings.SapoSettings;
import io.plumbline.objective.rollout.GrpoSettings.VespoSettings;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Group relative policy optimisation: completions are compared within their group. */
@Heading(OptionHelp.OBJECTIVE)
@Without({"desirable-from", "reference-cache", "max-length", "truncation-mode"})
@Varied(option = "max-length", standard = "none")
@Varied(option = "model", also = " It is the reference too, where there is a KL to it.")
@Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = "Prompts a step")
@Varied(option = "metric-for-best-model", word = "eval_loss", by = "eval_reward")
@Varied(option = "early-stopping-patience", word = "eval_loss", by = "eval_reward")
public record GrpoRunSettings(
    @Without("reward-model") Rewards rewards,
    Completions completions,
    Phases phases,
    @Option(
            help = "Weight of the KL from the reference; 0 for no reference at all.",
            standard = "0",
            min = 0)
        double beta,
    @Option(label = "NAME", help = OptionHelp.LOSS_TYPE, standard = "dapo", commas = true)
        List<String> lossType,
    Loss loss,
    Advantages.Settings advantages,
    SapoSettings sapo,
    VespoSettings vespo,
    Limits limits)
    implements RolloutSettings, PartlyUsed {
  private static final Set<String> DO_NOT_CLIP = Set.of("cispo", "sapo", "vespo");

  public GrpoRunSettings {
    lossType = List.copyOf(lossType);
  }

  @Override
  public Algorithm algorithm() {
    return Algorithm.GRPO;
  }

  @Override
  public List<String> losses() {
    return lossType;
  }

  @Override
  public String lossName() {
    return lossType.get(0);
  }

  @Override
  public GrpoSettings constants(double klWeight) {
    return constants(klWeight, sapo, vespo);
  }

  @Override
  public Set<String> unused() {
    Set<String> unused = new HashSet<>();
    if (DO_NOT_CLIP.contains(lossName())) {
      unused.add("epsilon");
      if (!lossName().equals("cispo")) {
        unused.add("epsilon-high");
      }
    }
    if (!lossName().equals("sapo")) {
      unused.addAll(List.of("sapo-temperature-pos", "sapo-temperature-neg"));
    }
    if (!lossName().equals("vespo")) {
      unused.addAll(List.of("vespo-k-pos", "vespo-lambda-pos", "vespo-k-neg", "vespo-lambda-neg"));
    }
    return unused;
  }
}
