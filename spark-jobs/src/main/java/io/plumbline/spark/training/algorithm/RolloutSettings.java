package io.plumbline.spark.training.algorithm;

import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.CostSpec;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenFilter;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.ImportanceSamplingLevel;
import io.plumbline.objective.rollout.KlCorrection;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.reward.RewardNotices;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.rollout.Rollouts.KlIn;
import io.plumbline.rollout.Rollouts.Truncated;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.Texts;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How an algorithm that learns from its own completions samples and scores them, and what holds it
 * back. Names are TRL's where TRL has them.
 */
public interface RolloutSettings extends AlgorithmSettings {
  Rewards rewards();

  Completions completions();

  Phases phases();

  /** Weight of the KL from the reference. */
  double beta();

  Loss loss();

  /** Whether the policy is held to a model that is in memory beside it. */
  default boolean holdsReference() {
    return beta() > 0 || limits().klTarget() > 0 || limits().klBudget() > 0;
  }

  Limits limits();

  /** What the loss is made of where β is in it. */
  GrpoSettings constants(double beta);

  /** The loss of a completion. Fails with BAD_USAGE where the constants do not fit it. */
  RolloutObjective objective(GrpoSettings constants);

  /** How rewards become advantages where completions are compared within their group. */
  default Advantages.Settings advantages() {
    return Advantages.Settings.defaults();
  }

  /** Updates that learn from one phase of rollouts. */
  default int stepsPerPhase() {
    return phases().stepsPerGeneration() * phases().numIterations();
  }

  /** What the loss is made of, with numbers of sapo and of vespo. */
  default GrpoSettings constants(
      double beta, GrpoSettings.SapoSettings sapo, GrpoSettings.VespoSettings vespo) {
    Loss loss = loss();
    return new GrpoSettings(
        loss.epsilon(),
        loss.epsilonHigh(),
        loss.delta(),
        loss.importanceSamplingLevel(),
        new GrpoSettings.Kl(
            limits().klIn() == KlIn.LOSS ? beta : 0, loss.klEstimator(), loss.klCorrection()),
        loss.entropyCoef(),
        loss.offPolicyMaskThreshold(),
        sapo,
        vespo,
        completions().maxCompletionLength());
  }

  @Override
  default Optional<RolloutSettings> rollouts() {
    return Optional.of(this);
  }

  @Override
  default Map<String, String> models() {
    return ScoringModels.of(this);
  }

  @Override
  default List<String> notices(Storage storage, ModelDirectory start) {
    TemplateSettings rendering = start.tokenizerFiles().rendering();
    try (RewardPanel rewards = rewards().open(storage, rendering);
        RewardPanel costs = rewards().openCosts(storage, rendering)) {
      return RewardNotices.of(List.of(rewards, costs), start.tokenizerFiles());
    }
  }

  @Override
  default void check() {
    objective(constants(beta()));
  }

  /** The loss is made to find what is wrong with it, of standard constants where its own are. */
  default void checkLoss(GivenOptions given) {
    GrpoSettings constants = GrpoSettings.defaults();
    try {
      constants = constants(beta());
    } catch (PlumblineException e) {
      given.refuse(e);
    }
    try {
      objective(constants);
    } catch (PlumblineException e) {
      given.refuse(e);
    }
  }

  /** Refuses what does not fit together, whatever the loss. */
  default void refuseUnfit(GivenOptions given) {
    for (String cost : rewards().costs()) {
      Rewards.gathering(
          "--cost", () -> RewardSpec.parse(CostSpec.parse(cost).rewardSpec()), given::refuse);
    }
    int longest = completions().maxCompletionLength();
    if (phases().overlongCache() >= longest) {
      given.refuse(
          String.format(
              "--overlong-cache is %d and --max-completion-length only %d: take a smaller part.",
              phases().overlongCache(), longest));
    }
    if (!given.has("kl-target") && given.has("kl-horizon")) {
      given.refuse("--kl-horizon does nothing without --kl-target: add that, or leave it out.");
    }
    if (!given.has("cost") && given.changes("cost-learning-rate")) {
      given.refuse("--cost-learning-rate does nothing without --cost: add one, or leave it out.");
    }
    if (beta() == 0) {
      if (given.has("kl-target")) {
        given.refuse(
            "--kl-target adapts --beta, which is 0 and would stay so: give the --beta to begin"
                + " with.");
      }
      if (given.changes("no-bias-correction-kl")) {
        given.refuse(
            "--no-bias-correction-kl is about the KL that is charged, and --beta is 0: give a"
                + " --beta, or leave it out.");
      }
    }
  }

  /**
   * Texts of options that have no standard value of their own, with the estimator that suits where
   * the KL is charged.
   *
   * @param usual the texts where nothing is given
   */
  static Map<String, String> standardOptions(Map<String, String> usual, GivenOptions given) {
    Map<String, String> texts = new HashMap<>(usual);
    KlIn charged =
        given
            .value(KlIn.class, "kl-in")
            .orElseGet(() -> Texts.constant(KlIn.class, usual.get("kl-in")));
    texts.put("kl-in", Texts.word(charged));
    texts.put("kl-estimator", charged == KlIn.LOSS ? "k3" : "k1");
    return texts;
  }

  /**
   * How completions are drawn.
   *
   * @param numGenerations completions of a prompt
   * @param maxCompletionLength greatest length of a completion, in tokens
   * @param filter which tokens may be drawn
   * @param stop texts that end a completion
   */
  @Heading("Rollouts")
  record Completions(
      @Option(help = "Completions of each prompt: a group.", standard = "8", min = 2)
          int numGenerations,
      @Option(help = "Completions end after N tokens.", standard = "256", min = 1)
          int maxCompletionLength,
      @Option(
              help =
                  "Of the draws; log-probabilities are taken at it too, over the whole vocabulary.",
              standard = "1.0",
              positive = true,
              neutral = "1")
          double temperature,
      @Heading("Rollouts") TokenFilter filter,
      @Option(label = "TEXT", help = "Ends a completion too; may be repeated.") List<String> stop)
      implements Serializable {
    public Completions {
      stop = List.copyOf(stop);
    }
  }

  /**
   * What a phase of rollouts is.
   *
   * @param stepsPerGeneration updates that one pass over a phase's rollouts makes
   * @param numIterations passes over a phase's rollouts
   * @param truncated what becomes of completions that reached the greatest length
   * @param overlongCache tokens before the greatest length from which on length costs reward; 0 for
   *     none
   * @param dynamicSampling how often prompts are sampled, at most, until enough groups differ in
   *     reward; 1 to take groups as they are
   * @param curriculumPool of how many times the prompts that are wanted those are chosen that teach
   *     most; 1 to take prompts as they come
   * @param evalGenerations completions of a held-out prompt
   */
  @Heading("Rollouts")
  record Phases(
      @Option(
              help = "Updates that share one phase of rollouts, each with prompts of its own.",
              standard = "1",
              min = 1)
          int stepsPerGeneration,
      @Option(help = "How often each rollout is learned from.", standard = "1", min = 1)
          int numIterations,
      @Option(
              name = "mask-truncated-completions",
              help = "Learns nothing from completions that were cut off.",
              flag = "MASKED",
              neutral = "false")
          Truncated truncated,
      @Option(
              help =
                  "Over the last N tokens before --max-completion-length the reward falls by up to 1"
                      + " (DAPO's soft punishment); 0 for none.",
              standard = "0",
              min = 0,
              neutral = "0")
          int overlongCache,
      @Option(
              help =
                  "Samples further prompts in the place of groups whose completions all score the"
                      + " same, in up to N rounds (DAPO); 1 for none.",
              standard = "1",
              min = 1,
              neutral = "1")
          int dynamicSampling,
      @Option(
              help =
                  "Reads N times the prompts that a phase takes, and takes those that were found"
                      + " neither easy nor hopeless; 1 to take prompts as they come.",
              standard = "1",
              min = 1,
              neutral = "1")
          int curriculumPool,
      @Option(
              name = "num-generations-eval",
              help = "Completions of each held-out prompt.",
              standard = "1",
              min = 1,
              decidesNothing = "is drawn for evaluation alone")
          int evalGenerations)
      implements Serializable {}

  /**
   * The loss of a completion.
   *
   * @param epsilonHigh how far over 1 a ratio may be; where it is not given as far as under it
   * @param delta greatest ratio where the advantage is under 0; infinite for none
   * @param topEntropyQuantile share of the tokens, those of the highest entropy, that are learned
   *     from
   * @param offPolicyMaskThreshold in nats a token; infinite for none
   */
  @Heading("Loss and advantages")
  record Loss(
      @Option(
              help = "How far under 1 an importance ratio may be.",
              standard = "0.2",
              positive = true,
              follows = "loss-type")
          double epsilon,
      @Option(
              help =
                  "How far over 1 it may be; without it --epsilon. For cispo the greatest ratio"
                      + " itself.",
              absent = "0",
              positive = true,
              follows = {"epsilon", "loss-type"})
          double epsilonHigh,
      @Option(
              help = "Greatest ratio where the advantage is negative; over 1.",
              absent = "Infinity",
              positive = true)
          double delta,
      @Option(
              help = "What a ratio is of; sequence with --loss-type grpo is GSPO.",
              standard = "token",
              neutral = "token")
          ImportanceSamplingLevel importanceSamplingLevel,
      @Option(
              help =
                  "Of the KL that is charged. By default k3 in the loss and k1 in the reward, as TRL.",
              absent = "k3",
              follows = {"kl-in", "loss-type"})
          KlEstimator klEstimator,
      @Option(
              name = "no-bias-correction-kl",
              help = "Takes that KL without the importance ratio. (TRL: use_bias_correction_kl.)",
              flag = "NONE",
              neutral = "false")
          KlCorrection klCorrection,
      @Option(help = "Weight of the entropy bonus.", standard = "0", min = 0, neutral = "0")
          double entropyCoef,
      @Option(
              help = "Learns from this share of the tokens, those of the highest entropy.",
              standard = "1.0",
              min = 0,
              max = 1,
              neutral = "1")
          double topEntropyQuantile,
      @Option(
              help =
                  "Learns nothing from completions of negative advantage that the policy has come to"
                      + " write less by X nats a token.",
              absent = "Infinity",
              positive = true)
          double offPolicyMaskThreshold)
      implements Serializable {
    public Loss {
      epsilonHigh = epsilonHigh == 0 ? epsilon : epsilonHigh;
    }
  }

  /**
   * What holds the policy back.
   *
   * @param klIn where the distance to the reference is charged
   * @param klTarget nats a completion that an adaptive coefficient steers to; 0 for a fixed one
   * @param klHorizon completions over which an adaptive coefficient moves
   * @param klBudget nats a completion over which updates lower the distance and nothing else; 0 for
   *     no budget
   * @param maxUpdateKl nats a token over which further updates on the same rollouts are left out; 0
   *     for no such limit
   */
  @Heading("What holds the policy back")
  record Limits(
      @Option(
              help =
                  "Where beta times the KL from the reference is charged: in the loss, by token"
                      + " (GRPO), or off the reward, by completion (RLOO). By default loss; reward"
                      + " for rloo.",
              absent = "loss",
              follows = "loss-type")
          KlIn klIn,
      @Option(
              help = "Adapts beta so that the KL from the reference comes to X nats a completion.",
              absent = "0",
              positive = true)
          double klTarget,
      @Option(
              help = "Completions over which --kl-target adapts beta.",
              standard = "10000",
              positive = true,
              follows = "kl-target")
          double klHorizon,
      @Option(
              help =
                  "While the KL from the reference is over X nats a completion, updates lower it and"
                      + " do nothing else.",
              absent = "0",
              positive = true)
          double klBudget,
      @Option(
              help =
                  "No further update on rollouts once the policy is X nats a token from the one that"
                      + " wrote them.",
              absent = "0",
              positive = true)
          double maxUpdateKl)
      implements PartlyUsed, Serializable {
    @Override
    public Set<String> unused() {
      return klTarget > 0 ? Set.of() : Set.of("kl-horizon");
    }
  }
}
