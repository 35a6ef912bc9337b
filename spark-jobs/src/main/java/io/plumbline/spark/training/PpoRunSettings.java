package io.plumbline.spark.training;

import io.plumbline.advantage.Advantages;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.rollout.CriticCredit.RewardWhitening;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Proximal policy optimisation: completions are compared with what a critic expected. Names are
 * those of TRL's PPO trainer where it has them.
 */
@Heading(OptionHelp.OBJECTIVE)
@Without({"desirable-from", "reference-cache", "max-length", "truncation-mode"})
@Varied(option = "max-length", standard = "none")
@Varied(option = "model", also = " It is the reference too, where there is a KL to it.")
@Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = "Prompts a step")
@Varied(option = "metric-for-best-model", word = "eval_loss", by = "eval_reward")
@Varied(option = "early-stopping-patience", word = "eval_loss", by = "eval_reward")
public record PpoRunSettings(
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
        @Varied(option = "kl-estimator", help = "Of the KL that is charged; by default k1, as TRL.")
        @Without({
          "importance-sampling-level",
          "no-bias-correction-kl",
          "top-entropy-quantile",
          "off-policy-mask-threshold"
        })
        Loss loss,
    @Without("kl-in") Limits limits)
    implements RolloutSettings {
  /** The clipped policy gradient of PPO: a mean over the tokens of the batch. */
  private static final String LOSS = "bnpo";

  private static final String CRITIC = "Critic and advantages";

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
    public Critic startingFrom(String directory) {
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
              name = "ptx-data",
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

  /** These with the rewards named in full, and what a critic of its own starts from. */
  public PpoRunSettings resolved(List<String> rewardFunctions, String criticModel) {
    return new PpoRunSettings(
        rewards.of(rewardFunctions),
        completions,
        phases,
        beta,
        critic.startingFrom(criticModel),
        shaping,
        pretraining,
        loss,
        limits);
  }

  @Override
  public Algorithm algorithm() {
    return Algorithm.PPO;
  }

  @Override
  public Optional<PpoRunSettings> withCritic() {
    return Optional.of(this);
  }

  @Override
  public String lossName() {
    return LOSS;
  }

  @Override
  public Advantages.Settings advantages() {
    return Advantages.Settings.defaults();
  }

  @Override
  public GrpoSettings constants(double klWeight) {
    GrpoSettings others = GrpoSettings.defaults();
    return constants(klWeight, others.sapo(), others.vespo());
  }
}
