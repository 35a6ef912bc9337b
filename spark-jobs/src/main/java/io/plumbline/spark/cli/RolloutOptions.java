package io.plumbline.spark.cli;

import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.Advantages.Aggregation;
import io.plumbline.advantage.Advantages.Baseline;
import io.plumbline.advantage.Advantages.Scale;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.CostSpec;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.ImportanceSamplingLevel;
import io.plumbline.objective.rollout.KlCorrection;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.RolloutSettings;
import io.plumbline.spark.training.RolloutSettings.KlCharge;
import io.plumbline.spark.training.RolloutSettings.TruncatedCompletions;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The options of algorithms that learn from their own completions: sampling, rewards, limits. */
final class RolloutOptions {
  private static final String REWARDS = "Rewards and costs";
  private static final String SAMPLING = "Rollouts";
  private static final String LIMITS = "What holds the policy back";

  static final Setting<String> REWARD =
      Setting.repeated(
          "reward",
          "KIND[{OPTIONS}]",
          REWARDS,
          "A reward function, such as answer or regex{\"pattern\":\"^[0-9]+$\",\"weight\":0.5}; may"
              + " be repeated (docs/rewards.md).");
  static final Setting<String> COST =
      Setting.repeated(
          "cost",
          "KIND[{OPTIONS}]<=LIMIT",
          REWARDS,
          "A reward function whose value is a cost, with the limit that its mean must stay under;"
              + " may be repeated (docs/constraints.md).");
  static final Setting<Double> COST_LEARNING_RATE =
      Setting.positive(
              "cost-learning-rate",
              REWARDS,
              "How fast the price of a cost rises while its mean is over the limit: by so much a"
                  + " step, in reward, where the mean is twice the limit.")
          .withInitial(String.valueOf(Constraints.STANDARD_LEARNING_RATE));
  static final Setting<BadRows> MAX_FAILED_REWARDS =
      Setting.value(
              "max-failed-rewards",
              "N|SHARE%",
              REWARDS,
              "Rollouts whose reward function threw, was too slow or gave NaN are left out and"
                  + " counted; more than N in all, or than a share of a phase, end the run.",
              TrainingSettings::badRows)
          .withInitial("5%");

  static final Setting<Integer> NUM_GENERATIONS =
      Setting.count("num-generations", SAMPLING, "Completions of each prompt: a group.", 2)
          .withInitial("8");
  static final Setting<Integer> MAX_COMPLETION_LENGTH =
      Setting.count("max-completion-length", SAMPLING, "Completions end after N tokens.", 1)
          .withInitial("256");
  static final Setting<Double> TEMPERATURE =
      Setting.positive(
              "temperature",
              SAMPLING,
              "Of the draws; log-probabilities are taken at it too, over the whole vocabulary.")
          .withInitial("1.0");
  static final Setting<Double> TOP_P =
      Setting.positive("top-p", SAMPLING, "Draws from the likeliest tokens of this share.")
          .withInitial("1.0");
  static final Setting<Integer> TOP_K =
      Setting.count("top-k", SAMPLING, "Draws from the N likeliest tokens; 0 for all.", 0)
          .withInitial("0");
  static final Setting<Double> MIN_P =
      Setting.number(
              "min-p",
              SAMPLING,
              "Leaves out tokens less likely than this share of the likeliest one.",
              0,
              1)
          .withInitial("0");
  static final Setting<Double> REPETITION_PENALTY =
      Setting.positive(
              "repetition-penalty",
              SAMPLING,
              "Makes tokens that stand in the text already less likely; 1 for none.")
          .withInitial("1.0");
  static final Setting<String> STOP =
      Setting.repeated("stop", "TEXT", SAMPLING, "Ends a completion too; may be repeated.");
  static final Setting<Integer> STEPS_PER_GENERATION =
      Setting.count(
              "steps-per-generation",
              SAMPLING,
              "Updates that share one phase of rollouts, each with prompts of its own.",
              1)
          .withInitial("1");
  static final Setting<Integer> NUM_ITERATIONS =
      Setting.count("num-iterations", SAMPLING, "How often each rollout is learned from.", 1)
          .withInitial("1");
  static final Setting<Boolean> MASK_TRUNCATED_COMPLETIONS =
      Setting.flag(
          "mask-truncated-completions",
          SAMPLING,
          "Learns nothing from completions that were cut off.");
  static final Setting<Integer> OVERLONG_CACHE =
      Setting.count(
              "overlong-cache",
              SAMPLING,
              "Over the last N tokens before --max-completion-length the reward falls by up to 1"
                  + " (DAPO's soft punishment); 0 for none.",
              0)
          .withInitial("0");
  static final Setting<Integer> DYNAMIC_SAMPLING =
      Setting.count(
              "dynamic-sampling",
              SAMPLING,
              "Samples further prompts in the place of groups whose completions all score the same,"
                  + " in up to N rounds (DAPO); 1 for none.",
              1)
          .withInitial("1");
  static final Setting<Integer> CURRICULUM_POOL =
      Setting.count(
              "curriculum-pool",
              SAMPLING,
              "Reads N times the prompts that a phase takes, and takes those that were found"
                  + " neither easy nor hopeless; 1 to take prompts as they come.",
              1)
          .withInitial("1");
  static final Setting<Integer> NUM_GENERATIONS_EVAL =
      Setting.count("num-generations-eval", SAMPLING, "Completions of each held-out prompt.", 1)
          .withInitial("1");

  static final Setting<KlCharge> KL_IN =
      Setting.choice(
          "kl-in",
          LIMITS,
          "Where beta times the KL from the reference is charged: in the loss, by token (GRPO),"
              + " or off the reward, by completion (RLOO). By default loss; reward for rloo.",
          KlCharge.class);
  static final Setting<Double> KL_TARGET =
      Setting.positive(
          "kl-target",
          LIMITS,
          "Adapts beta so that the KL from the reference comes to X nats a completion.");
  static final Setting<Double> KL_HORIZON =
      Setting.positive("kl-horizon", LIMITS, "Completions over which --kl-target adapts beta.")
          .withInitial("10000");
  static final Setting<Double> KL_BUDGET =
      Setting.positive(
          "kl-budget",
          LIMITS,
          "While the KL from the reference is over X nats a completion, updates lower it and do"
              + " nothing else.");
  static final Setting<Double> MAX_UPDATE_KL =
      Setting.positive(
          "max-update-kl",
          LIMITS,
          "No further update on rollouts once the policy is X nats a token from the one that wrote"
              + " them.");

  private static final String LOSS = "Loss and advantages";

  static final Setting<Double> EPSILON =
      Setting.positive("epsilon", LOSS, "How far under 1 an importance ratio may be.")
          .withInitial("0.2");
  static final Setting<Double> EPSILON_HIGH =
      Setting.positive(
          "epsilon-high",
          LOSS,
          "How far over 1 it may be; without it --epsilon. For cispo the greatest ratio itself.");
  static final Setting<Double> DELTA =
      Setting.positive("delta", LOSS, "Greatest ratio where the advantage is negative; over 1.");
  static final Setting<ImportanceSamplingLevel> IMPORTANCE_SAMPLING_LEVEL =
      Setting.choice(
              "importance-sampling-level",
              LOSS,
              "What a ratio is of; sequence with --loss-type grpo is GSPO.",
              ImportanceSamplingLevel.class)
          .withInitial("token");
  static final Setting<KlEstimator> KL_ESTIMATOR =
      Setting.choice(
          "kl-estimator",
          LOSS,
          "Of the KL that is charged. By default k3 in the loss and k1 in the reward, as TRL.",
          KlEstimator.class);
  static final Setting<Boolean> NO_BIAS_CORRECTION_KL =
      Setting.flag(
          "no-bias-correction-kl",
          LOSS,
          "Takes that KL without the importance ratio. (TRL: use_bias_correction_kl.)");
  static final Setting<Double> ENTROPY_COEF =
      Setting.number(
              "entropy-coef", LOSS, "Weight of the entropy bonus.", 0, Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<Double> TOP_ENTROPY_QUANTILE =
      Setting.number(
              "top-entropy-quantile",
              LOSS,
              "Learns from this share of the tokens, those of the highest entropy.",
              0,
              1)
          .withInitial("1.0");
  static final Setting<Double> OFF_POLICY_MASK_THRESHOLD =
      Setting.positive(
          "off-policy-mask-threshold",
          LOSS,
          "Learns nothing from completions of negative advantage that the policy has come to write"
              + " less by X nats a token.");
  static final Setting<Scale> SCALE_REWARDS =
      Setting.choice(
          "scale-rewards",
          LOSS,
          "What advantages are divided by: the deviation of the group's rewards, the batch's, or"
              + " nothing. By default group; none for rloo.",
          Scale.class);
  static final Setting<Aggregation> MULTI_OBJECTIVE_AGGREGATION =
      Setting.choice(
              "multi-objective-aggregation",
              LOSS,
              "Several rewards are summed and then normalised, or the other way round.",
              Aggregation.class)
          .withInitial("sum_then_normalize");
  static final Setting<Baseline> ADVANTAGE_BASELINE =
      Setting.choice(
          "advantage-baseline",
          LOSS,
          "What a reward is compared with: the group's mean, or that of the group's others. By"
              + " default group_mean; leave_one_out for rloo.",
          Baseline.class);
  static final Setting<Double> SAPO_TEMPERATURE_POS =
      Setting.positive("sapo-temperature-pos", LOSS, "Of sapo, where the advantage is positive.")
          .withInitial("1.0");
  static final Setting<Double> SAPO_TEMPERATURE_NEG =
      Setting.positive("sapo-temperature-neg", LOSS, "Of sapo, where it is negative.")
          .withInitial("1.05");
  static final Setting<Double> VESPO_K_POS = vespo("vespo-k-pos", "k, advantage positive", "2");
  static final Setting<Double> VESPO_LAMBDA_POS =
      vespo("vespo-lambda-pos", "lambda, advantage positive", "3");
  static final Setting<Double> VESPO_K_NEG = vespo("vespo-k-neg", "k, advantage negative", "3");
  static final Setting<Double> VESPO_LAMBDA_NEG =
      vespo("vespo-lambda-neg", "lambda, advantage negative", "2");

  private RolloutOptions() {}

  private static Setting<Double> vespo(String name, String what, String initial) {
    return Setting.number(
            name, LOSS, "Of vespo's weighting: " + what + ".", 0, Double.POSITIVE_INFINITY)
        .withInitial(initial);
  }

  /** What of the loss is an algorithm's to set. */
  static List<Setting<?>> loss(Algorithm algorithm) {
    return algorithm == Algorithm.PPO
        ? List.of(
            EPSILON.withHelp(EPSILON.help() + " (TRL: cliprange.)"),
            EPSILON_HIGH,
            DELTA,
            KL_ESTIMATOR.withHelp("Of the KL that is charged; by default k1, as TRL."),
            ENTROPY_COEF)
        : loss();
  }

  private static List<Setting<?>> loss() {
    return List.of(
        EPSILON,
        EPSILON_HIGH,
        DELTA,
        IMPORTANCE_SAMPLING_LEVEL,
        KL_ESTIMATOR,
        NO_BIAS_CORRECTION_KL,
        ENTROPY_COEF,
        TOP_ENTROPY_QUANTILE,
        OFF_POLICY_MASK_THRESHOLD,
        SCALE_REWARDS,
        MULTI_OBJECTIVE_AGGREGATION,
        ADVANTAGE_BASELINE,
        SAPO_TEMPERATURE_POS,
        SAPO_TEMPERATURE_NEG,
        VESPO_K_POS,
        VESPO_LAMBDA_POS,
        VESPO_K_NEG,
        VESPO_LAMBDA_NEG);
  }

  private static GrpoSettings loss(SettingValues values, KlCharge klIn) {
    double epsilon = values.of(EPSILON);
    return new GrpoSettings(
        0,
        epsilon,
        values.find(EPSILON_HIGH).orElse(epsilon),
        values.find(DELTA).orElse(Double.POSITIVE_INFINITY),
        values.of(IMPORTANCE_SAMPLING_LEVEL),
        values.find(KL_ESTIMATOR).orElse(klIn == KlCharge.LOSS ? KlEstimator.K3 : KlEstimator.K1),
        values.of(NO_BIAS_CORRECTION_KL) ? KlCorrection.NONE : KlCorrection.IMPORTANCE_RATIO,
        values.of(ENTROPY_COEF),
        values.find(OFF_POLICY_MASK_THRESHOLD).orElse(Double.POSITIVE_INFINITY),
        new GrpoSettings.SapoSettings(
            values.of(SAPO_TEMPERATURE_POS), values.of(SAPO_TEMPERATURE_NEG)),
        new GrpoSettings.VespoSettings(
            values.of(VESPO_K_POS),
            values.of(VESPO_LAMBDA_POS),
            values.of(VESPO_K_NEG),
            values.of(VESPO_LAMBDA_NEG)),
        values.of(MAX_COMPLETION_LENGTH));
  }

  private static Advantages.Settings advantages(String lossType, SettingValues values) {
    boolean rloo = lossType.equals("rloo");
    return new Advantages.Settings(
        values.find(SCALE_REWARDS).orElse(rloo ? Scale.NONE : Scale.GROUP),
        values.of(MULTI_OBJECTIVE_AGGREGATION),
        values
            .find(ADVANTAGE_BASELINE)
            .orElse(rloo ? Baseline.LEAVE_ONE_OUT : Baseline.GROUP_MEAN));
  }

  /** What the loss's settings make, or a problem and the defaults. */
  private static <T> T gathering(Supplier<T> made, T otherwise, Problems problems) {
    try {
      return made.get();
    } catch (PlumblineException e) {
      problems.add(ObjectiveOptions.inOptions(loss(), e.getMessage()));
      return otherwise;
    }
  }

  static List<Setting<?>> rewards(Algorithm algorithm) {
    return algorithm == Algorithm.PPO
        ? List.of(CriticOptions.REWARD_MODEL, REWARD, COST, COST_LEARNING_RATE, MAX_FAILED_REWARDS)
        : List.of(REWARD, COST, COST_LEARNING_RATE, MAX_FAILED_REWARDS);
  }

  static List<Setting<?>> sampling(Algorithm algorithm) {
    List<Setting<?>> all = new ArrayList<>(sampling());
    if (algorithm == Algorithm.PPO) {
      all.removeAll(List.of(DYNAMIC_SAMPLING, CURRICULUM_POOL));
      all.set(all.indexOf(NUM_GENERATIONS), CriticOptions.NUM_GENERATIONS);
      all.set(all.indexOf(NUM_ITERATIONS), CriticOptions.NUM_ITERATIONS);
    }
    return all;
  }

  private static List<Setting<?>> sampling() {
    return List.of(
        NUM_GENERATIONS,
        MAX_COMPLETION_LENGTH,
        TEMPERATURE,
        TOP_P,
        TOP_K,
        MIN_P,
        REPETITION_PENALTY,
        STOP,
        STEPS_PER_GENERATION,
        NUM_ITERATIONS,
        MASK_TRUNCATED_COMPLETIONS,
        OVERLONG_CACHE,
        DYNAMIC_SAMPLING,
        CURRICULUM_POOL,
        NUM_GENERATIONS_EVAL);
  }

  static List<Setting<?>> limits(Algorithm algorithm) {
    return algorithm == Algorithm.PPO
        ? List.of(KL_TARGET, KL_HORIZON, KL_BUDGET, MAX_UPDATE_KL)
        : List.of(KL_IN, KL_TARGET, KL_HORIZON, KL_BUDGET, MAX_UPDATE_KL);
  }

  /** The rewards that are named; that none is, or one makes no sense, is a problem. */
  static List<RewardSpec> rewardSpecs(SettingValues values, Problems problems) {
    return rewardSpecs(values.all(REWARD), "--reward", "answer", problems);
  }

  private static List<RewardSpec> rewardSpecs(
      List<String> rewards, String options, String example, Problems problems) {
    if (rewards.isEmpty()) {
      problems.add(
          options
              + " is missing: name what completions are scored by, such as "
              + example
              + " (docs/rewards.md lists the kinds).");
    }
    List<RewardSpec> specs = new ArrayList<>();
    for (String reward : rewards) {
      gathering("--reward", () -> specs.add(RewardSpec.parse(reward)), problems);
    }
    return specs;
  }

  /** The settings that the values make. */
  static RolloutSettings settings(
      Algorithm algorithm, String lossType, double beta, SettingValues values, Problems problems) {
    boolean ppo = algorithm == Algorithm.PPO;
    List<String> rewards = new ArrayList<>(values.all(REWARD));
    if (ppo) {
      values.find(CriticOptions.REWARD_MODEL).map(CriticOptions::spec).ifPresent(rewards::add);
      rewardSpecs(
          rewards, "--reward-model or --reward", "runs/reward/checkpoint or answer", problems);
    } else {
      rewardSpecs(values, problems);
    }
    for (String cost : values.all(COST)) {
      gathering("--cost", () -> RewardSpec.parse(CostSpec.parse(cost).rewardSpec()), problems);
    }
    if (values.of(TOP_P) > 1) {
      problems.add("--top-p is a share of the probability: give a number above 0 and at most 1.");
    }
    int longest = values.of(MAX_COMPLETION_LENGTH);
    if (values.of(OVERLONG_CACHE) >= longest) {
      problems.add(
          String.format(
              "--overlong-cache is %d and --max-completion-length only %d: take a smaller part.",
              values.of(OVERLONG_CACHE), longest));
    }
    if (!values.has(KL_TARGET) && values.has(KL_HORIZON)) {
      problems.add("--kl-horizon does nothing without --kl-target: add that, or leave it out.");
    }
    if (!values.has(COST) && values.changes(COST_LEARNING_RATE)) {
      problems.add("--cost-learning-rate does nothing without --cost: add one, or leave it out.");
    }
    if (beta == 0) {
      if (values.has(KL_TARGET)) {
        problems.add(
            "--kl-target adapts --beta, which is 0 and would stay so: give the --beta to begin"
                + " with.");
      }
      if (values.changes(NO_BIAS_CORRECTION_KL)) {
        problems.add(
            "--no-bias-correction-kl is about the KL that is charged, and --beta is 0: give a"
                + " --beta, or leave it out.");
      }
    }
    // A KL in the reward suits every loss, and rloo has it nowhere else.
    KlCharge klIn =
        values.find(KL_IN).orElse(ppo || lossType.equals("rloo") ? KlCharge.REWARD : KlCharge.LOSS);
    GrpoSettings loss = gathering(() -> loss(values, klIn), GrpoSettings.defaults(), problems);
    gathering(
        () -> {
          GrpoLossTypes.of(
              ppo ? RolloutSettings.PPO_LOSS : lossType,
              loss.withBeta(klIn == KlCharge.LOSS ? beta : 0));
        },
        problems);
    BadRows failures = values.of(MAX_FAILED_REWARDS);
    return new RolloutSettings(
        rewards,
        values.all(COST),
        values.of(ppo ? CriticOptions.NUM_GENERATIONS : NUM_GENERATIONS),
        longest,
        values.of(TEMPERATURE),
        values.of(TOP_P),
        values.of(TOP_K),
        values.of(MIN_P),
        values.of(REPETITION_PENALTY),
        values.all(STOP),
        values.of(STEPS_PER_GENERATION),
        values.of(ppo ? CriticOptions.NUM_ITERATIONS : NUM_ITERATIONS),
        values.of(MASK_TRUNCATED_COMPLETIONS)
            ? TruncatedCompletions.MASKED
            : TruncatedCompletions.LEARNED,
        values.of(OVERLONG_CACHE),
        values.of(DYNAMIC_SAMPLING),
        values.of(CURRICULUM_POOL),
        failures.atMost().orElse(-1),
        failures.atMostShare(),
        values.of(NUM_GENERATIONS_EVAL),
        klIn,
        values.find(KL_TARGET).orElse(0.0),
        values.of(KL_HORIZON),
        values.find(KL_BUDGET).orElse(0.0),
        values.find(MAX_UPDATE_KL).orElse(0.0),
        values.of(COST_LEARNING_RATE),
        loss,
        gathering(() -> advantages(lossType, values), Advantages.Settings.defaults(), problems),
        values.of(TOP_ENTROPY_QUANTILE),
        ppo ? List.of(CriticOptions.settings(rewards, values, problems)) : List.of());
  }

  private static void gathering(Runnable check, Problems problems) {
    try {
      check.run();
    } catch (PlumblineException e) {
      problems.add(ObjectiveOptions.inOptions(loss(), e.getMessage()));
    }
  }

  private static void gathering(String option, Runnable check, Problems problems) {
    try {
      check.run();
    } catch (PlumblineException e) {
      problems.add(option + ": " + e.getMessage());
    }
  }
}
