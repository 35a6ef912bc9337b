package io.plumbline.spark.training.algorithm;

import io.plumbline.advantage.Advantages;
import io.plumbline.model.TokenModel;
import io.plumbline.objective.Registry;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.GrpoSettings.SapoSettings;
import io.plumbline.objective.rollout.GrpoSettings.VespoSettings;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.Grpo;
import io.plumbline.train.LoopOutcome;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Group relative policy optimisation: completions are compared within their group. */
public final class GrpoAlgorithm extends RolloutAlgorithm {
  public static final Algorithm GRPO = new GrpoAlgorithm();

  private GrpoAlgorithm() {
    super(
        "grpo",
        Settings.class,
        new Help(
            "Group relative policy optimisation: learns from its own completions and their rewards.",
            "Each step samples a group of completions for every prompt on the ranks that train, scores"
                + " them by reward functions, and makes those likelier that scored above their group;"
                + " every rollout goes to the ledger. Rows hold a prompt, and whatever columns the"
                + " rewards read. RLOO is --loss-type rloo, GSPO --loss-type grpo with"
                + " --importance-sampling-level sequence.",
            List.of(
                "grpo --model runs/sft/checkpoint --data questions.jsonl --eval-split 200"
                    + " --reward answer --output runs/grpo --ranks 2",
                "grpo --model runs/sft/checkpoint --data questions.jsonl --reward answer"
                    + " --reward 'tags{\"weight\":0.2}' --cost 'length{\"per_token\":1}<=200'"
                    + " --beta 0.04 --num-iterations 2 --output runs/grpo-short")));
  }

  @Override
  public Registry<?, ?> losses() {
    return GrpoLossTypes.all();
  }

  @Override
  public Map<String, String> standardOptions(GivenOptions given) {
    List<?> losses = given.value(List.class, LossChoice.OPTION).orElseThrow();
    return RolloutSettings.standardOptions(
        GrpoLossTypes.standardOptions(losses.get(0).toString()), given);
  }

  /** What GRPO is set by. */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache", "max-length", "truncation-mode"})
  @Varied(option = "max-length", standard = "none")
  @Varied(option = "model", also = " It is the reference too, where there is a KL to it.")
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = "Prompts a step")
  @Varied(option = "metric-for-best-model", word = "eval_loss", by = "eval_reward")
  @Varied(option = "early-stopping-patience", word = "eval_loss", by = "eval_reward")
  public record Settings(
      @Without("reward-model") Rewards rewards,
      Completions completions,
      Phases phases,
      @Option(
              help = "Weight of the KL from the reference; 0 for no reference at all.",
              standard = "0",
              min = 0)
          double beta,
      @Option(
              label = "NAME",
              help = OptionHelp.LOSS_TYPE,
              standard = GrpoLossTypes.STANDARD,
              commas = true)
          List<String> lossType,
      Loss loss,
      Advantages.Settings advantages,
      SapoSettings sapo,
      VespoSettings vespo,
      Limits limits)
      implements RolloutSettings, LossChoice {
    public Settings {
      lossType = List.copyOf(lossType);
    }

    @Override
    public Algorithm algorithm() {
      return GRPO;
    }

    @Override
    public GrpoSettings constants(double klWeight) {
      return constants(klWeight, sapo, vespo);
    }

    @Override
    public RolloutObjective objective(GrpoSettings constants) {
      return GrpoLossTypes.of(lossType.get(0), constants);
    }

    @Override
    public Settings checked(GivenOptions given) {
      boolean weighted = refusesWeights(given);
      Rewards.specs(rewards.rewards(), "--reward", "answer", given::refuse);
      refuseUnfit(given);
      if (!weighted) {
        checkLoss(given);
      }
      return this;
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return RolloutRank.train(rank, this, this::learn);
    }

    private LoopOutcome learn(RolloutRank rank) {
      Grpo method =
          new Grpo(
              new Grpo.Settings(
                  completions.numGenerations(),
                  completions.maxCompletionLength(),
                  loss.topEntropyQuantile(),
                  rank.updateRegion(),
                  rank.training().settings().drift()));
      return rank.loop(
          new TokenModel(rank.policy(), method.statistics(), completions.temperature()),
          method,
          rank.feed(Optional.empty()));
    }
  }
}
