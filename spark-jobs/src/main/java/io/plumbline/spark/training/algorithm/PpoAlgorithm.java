package io.plumbline.spark.training.algorithm;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.ActorCritic;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.rollout.ClippedValue;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.reward.RewardSpec;
import io.plumbline.rollout.CriticCredit;
import io.plumbline.rollout.CriticCredit.RewardWhitening;
import io.plumbline.rollout.PretrainingMix;
import io.plumbline.rollout.Rollouts;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.spark.training.rank.StartedModels;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.Ppo;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Proximal policy optimisation: completions are compared with what a critic expected. */
public final class PpoAlgorithm extends RolloutAlgorithm {
  public static final Algorithm PPO = new PpoAlgorithm();

  private static final String CRITIC = "Critic and advantages";

  private PpoAlgorithm() {
    super(
        "ppo",
        Settings.class,
        new Help(
            "Proximal policy optimisation with a critic: InstructGPT's last step.",
            "Each phase samples completions on the ranks that train, scores them by a reward model or"
                + " reward functions, charges each token with its distance from the reference, and"
                + " makes likelier what came out better than a critic expected; every rollout goes to"
                + " the ledger. Rows hold a prompt, and whatever columns the rewards read. The critic"
                + " is written beside the checkpoint, to critic/ in --output.",
            List.of(
                "ppo --model runs/sft/checkpoint --reward-model runs/reward/checkpoint"
                    + " --data prompts.jsonl --eval-split 200 --output runs/ppo --ranks 2",
                "ppo --model runs/sft/checkpoint --reward answer --critic-trunk shared --beta 0.02"
                    + " --kl-target 6 --missing-eos-penalty 1 --data prompts.jsonl"
                    + " --output runs/ppo-answer")));
  }

  @Override
  public Map<String, String> standardOptions(GivenOptions given) {
    return RolloutSettings.standardOptions(Map.of("kl-in", "reward"), given);
  }

  /** What PPO is set by. Names are those of TRL's PPO trainer where it has them. */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache", "max-length", "truncation-mode"})
  @Varied(option = "max-length", standard = "none")
  @Varied(option = "model", also = " It is the reference too, where there is a KL to it.")
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = "Prompts a step")
  @Varied(option = "metric-for-best-model", word = "eval_loss", by = "eval_reward")
  @Varied(option = "early-stopping-patience", word = "eval_loss", by = "eval_reward")
  public record Settings(
      Rewards rewards,
      @Varied(
              option = "num-generations",
              help = "Completions of each prompt.",
              standard = "1",
              min = 1)
          Completions completions,
      @Varied(option = "num-iterations", also = " (TRL: num_ppo_epochs.)", standard = "4")
          @Without({"dynamic-sampling", "curriculum-pool"})
          Phases phases,
      @Option(
              help =
                  "What each token is charged for a nat of KL from the reference; 0 for no reference at"
                      + " all. (TRL: kl_coef.)",
              standard = "0.05",
              min = 0)
          double beta,
      Critic critic,
      Shaping shaping,
      Pretraining pretraining,
      @Varied(option = "epsilon", also = " (TRL: cliprange.)")
          @Varied(
              option = "kl-estimator",
              help = "Of the KL that is charged; by default k1, as TRL.")
          @Without({
            "importance-sampling-level",
            "no-bias-correction-kl",
            "top-entropy-quantile",
            "off-policy-mask-threshold"
          })
          Loss loss,
      @Without("kl-in") Limits limits)
      implements RolloutSettings {
    @Override
    public Algorithm algorithm() {
      return PPO;
    }

    @Override
    public GrpoSettings constants(double klWeight) {
      GrpoSettings others = GrpoSettings.defaults();
      return constants(klWeight, others.sapo(), others.vespo());
    }

    @Override
    public RolloutObjective objective(GrpoSettings constants) {
      return GrpoLossTypes.clippedOverTokens(constants);
    }

    @Override
    public Settings checked(GivenOptions given) {
      refuseOfCritic(given);
      Settings resolved = resolved(given);
      Rewards.specs(
          resolved.rewards.rewards(),
          "--reward-model or --reward",
          "runs/reward/checkpoint or answer",
          given::refuse);
      resolved.refuseUnfit(given);
      resolved.checkLoss(given);
      return resolved;
    }

    private void refuseOfCritic(GivenOptions given) {
      if (critic.trunk() == Trunk.SHARED && given.has("critic-model")) {
        given.refuse(
            "--critic-model names what a critic of its own starts from, and --critic-trunk is"
                + " shared: leave one out.");
      }
      if (!given.has(Pretraining.DATA)) {
        for (String alone : List.of("ptx-coef", "ptx-max-length")) {
          if (given.has(alone)) {
            LossChoice.refuse(alone, "--" + Pretraining.DATA, given);
          }
        }
      } else if (completions.temperature() != 1) {
        given.refuse(
            "--ptx-data is learned in the same pass as the rollouts, whose logits --temperature"
                + " divides: leave one out.");
      }
      if (critic.cliprangeValue() == 0) {
        given.refuse("--cliprange-value must be over 0, or none.");
      }
      if (shaping.rewardClip() == 0) {
        given.refuse("--reward-clip must be over 0, or none.");
      }
    }

    /** These with the reward model among the rewards, and what a critic of its own starts from. */
    private Settings resolved(GivenOptions given) {
      List<String> all = new ArrayList<>(rewards.rewards());
      if (!rewards.rewardModel().isEmpty()) {
        all.add("model" + JsonNodeFactory.instance.objectNode().put("path", rewards.rewardModel()));
      }
      String start = critic.model();
      if (critic.trunk() == Trunk.SHARED) {
        start = "";
      } else if (start.isEmpty()) {
        start = usualStart(all, given);
      }
      return new Settings(
          rewards.of(all),
          completions,
          phases,
          beta,
          critic.startingFrom(start),
          shaping,
          pretraining,
          loss,
          limits);
    }

    /** The reward model where there is exactly one, else the policy. */
    private static String usualStart(List<String> rewards, GivenOptions given) {
      List<String> models =
          rewards.stream().map(PpoAlgorithm::modelOf).flatMap(Optional::stream).toList();
      return models.size() == 1 ? models.get(0) : given.value(String.class, "model").orElse("");
    }

    @Override
    public Map<String, String> models() {
      Map<String, String> models = new LinkedHashMap<>();
      criticStart().ifPresent(start -> models.put("critic", start));
      models.putAll(RolloutSettings.super.models());
      return models;
    }

    @Override
    public Optional<String> criticStart() {
      return Optional.of(critic.model()).filter(start -> !start.isEmpty());
    }

    @Override
    public Optional<SideRows> sideRows() {
      return pretraining.mixes()
          ? Optional.of(
              new SideRows(
                  Pretraining.SHARDS,
                  Pretraining.DATA,
                  pretraining.data(),
                  pretraining.maxLength()))
          : Optional.empty();
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return RolloutRank.train(rank, this, this::learn);
    }

    private LoopOutcome learn(RolloutRank rank) {
      RankTraining training = rank.training();
      ModelDirectory policyStart = training.start();
      if (critic.trunk() == Trunk.SHARED) {
        try (ActorCritic model =
            ActorCritic.onOneTrunk(
                rank.policy(),
                policyStart,
                training.settings().seed(),
                Set.of(TokenStatistic.ENTROPY),
                completions.temperature())) {
          return learn(rank, model);
        }
      }
      ModelDirectory start =
          ModelDirectory.open(training.storage(), critic.model())
              .with(policyStart.tokenizerFiles().rendering());
      try (StartedModels<ScoreModel> critic =
              StartedModels.critic(training.storage(), start, training.settings());
          ActorCritic model =
              ActorCritic.of(
                  rank.policy(),
                  critic.model(),
                  Set.of(TokenStatistic.ENTROPY),
                  completions.temperature())) {
        LoopOutcome outcome = learn(rank, model);
        if (training.isFirst() && !outcome.isInterrupted()) {
          critic
              .model()
              .write(
                  training.storage(),
                  training.run().critic(),
                  start,
                  new WeightFormat(Dtype.F32, training.settings().saved().maxShardSize()));
        }
        return outcome;
      }
    }

    private LoopOutcome learn(RolloutRank rank, ActorCritic model) {
      CriticCredit credit =
          new CriticCredit(
              new CriticCredit.Settings(
                  new GeneralizedAdvantage(critic.gamma(), critic.lam()),
                  shaping.whitening(),
                  shaping.rewardScale(),
                  shaping.rewardClip(),
                  shaping.missingEosPenalty()),
              model);
      Rollouts feed = rank.feed(Optional.of(credit));
      Ppo method =
          new Ppo(
              new Ppo.Settings(
                  completions.numGenerations(),
                  completions.maxCompletionLength(),
                  new ClippedValue(critic.cliprangeValue()),
                  critic.vfCoef(),
                  pretraining.mixes() ? pretraining.coef() : 0,
                  rank.updateRegion(),
                  rank.training().settings().drift()));
      return rank.loop(
          model,
          method,
          pretraining.mixes()
              ? new PretrainingMix(
                  feed,
                  rank.training().shards(Pretraining.SHARDS),
                  rank.training().member().collective())
              : feed);
    }
  }

  /**
   * What says what is to be expected.
   *
   * @param trunk whose hidden states the critic reads
   * @param model what a critic of its own trunk starts from: a reward model, or a language model
   *     under a fresh head; empty for one on the policy's trunk
   * @param gamma discount of a token's distance
   * @param lam λ of generalized advantages
   * @param cliprangeValue how far a value may move from what it was
   * @param vfCoef weight of the critic's loss
   */
  @Heading(CRITIC)
  public record Critic(
      @Option(
              name = "critic-trunk",
              help =
                  "A critic of its own, or a head on the policy's trunk, which takes less memory and"
                      + " learns for both.",
              standard = "own")
          Trunk trunk,
      @Option(
              name = "critic-model",
              label = "DIR",
              help =
                  "What a critic of its own starts from: a reward model, or a language model under a"
                      + " fresh head. By default the reward model, where rewards have one, else"
                      + " --model.",
              decidesNothing = "may lie elsewhere: its content is compared")
          String model,
      @Option(help = "Discount of a token's distance.", standard = "1.0", min = 0, max = 1)
          double gamma,
      @Option(
              help = "Lambda of generalized advantages: 1 trusts rewards alone, 0 the critic.",
              standard = "0.95",
              min = 0,
              max = 1)
          double lam,
      @Option(
              help = "How far the critic's value may move from what it was.",
              standard = "0.2",
              min = 0,
              orNone = true,
              neutral = "none")
          double cliprangeValue,
      @Option(help = "Weight of the critic's loss.", standard = "0.1", min = 0) double vfCoef)
      implements PartlyUsed, Serializable {
    @Override
    public Set<String> unused() {
      return trunk == Trunk.SHARED ? Set.of("critic-model") : Set.of();
    }

    /** This with what it starts from. */
    private Critic startingFrom(String directory) {
      return new Critic(trunk, directory, gamma, lam, cliprangeValue, vfCoef);
    }
  }

  /** Whose hidden states a critic reads. */
  public enum Trunk {
    /** A model's of its own. */
    OWN,
    /** The policy's, which then learns for both. */
    SHARED
  }

  /**
   * What rewards are before they are learned from.
   *
   * @param whitening whether rewards are scaled to variance 1
   * @param rewardScale what rewards are multiplied with, first
   * @param rewardClip how far from 0 they may be then; infinite for no limit
   * @param missingEosPenalty what a completion loses that was cut off
   */
  @Heading(CRITIC)
  public record Shaping(
      @Option(
              name = "whiten-rewards",
              help = "Scales a phase's rewards by token to variance 1.",
              flag = "ON",
              neutral = "false")
          RewardWhitening whitening,
      @Option(
              help = "Rewards are multiplied with this first.",
              standard = "1.0",
              positive = true,
              neutral = "1")
          double rewardScale,
      @Option(
              help = "Rewards so scaled are kept within X of 0.",
              standard = "none",
              min = 0,
              orNone = true,
              neutral = "none")
          double rewardClip,
      @Option(
              help = "What a completion loses that was cut off.",
              standard = "0",
              min = 0,
              neutral = "0")
          double missingEosPenalty)
      implements Serializable {}

  /**
   * Rows that each update learns besides.
   *
   * @param data where they are; empty for none
   * @param coef their weight
   * @param maxLength they are cut to so many tokens
   */
  @Heading(CRITIC)
  public record Pretraining(
      @Option(
              name = Pretraining.DATA,
              label = "SOURCE",
              help =
                  "Rows as sft takes them, of which every update learns --global-batch-size too, so"
                      + " that the policy does not forget (PPO-ptx); may be repeated.")
          List<String> data,
      @Option(
              name = "ptx-coef",
              help = "Weight of these rows' loss, a mean over tokens.",
              standard = "1.0",
              positive = true,
              follows = "ptx-data")
          double coef,
      @Option(
              name = "ptx-max-length",
              help = "These rows are cut to N tokens.",
              standard = "1024",
              min = 2,
              follows = "ptx-data")
          int maxLength)
      implements PartlyUsed, Serializable {
    private static final String DATA = "ptx-data";

    /** The name of these rows' shards. */
    private static final String SHARDS = "ptx";

    public Pretraining {
      data = List.copyOf(data);
    }

    /** Whether updates learn pretraining rows too. */
    boolean mixes() {
      return !data.isEmpty();
    }

    @Override
    public Set<String> unused() {
      return mixes() ? Set.of() : Set.of("ptx-coef", "ptx-max-length");
    }
  }

  /** The directory of a reward model. */
  private static Optional<String> modelOf(String reward) {
    try {
      return RewardSpec.parse(reward).modelPath().filter(path -> !path.isEmpty());
    } catch (PlumblineException e) {
      // What is wrong with it is told where rewards are read.
      return Optional.empty();
    }
  }
}
