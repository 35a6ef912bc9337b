package io.plumbline.spark.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.training.CriticSettings;
import io.plumbline.spark.training.CriticSettings.RewardScaling;
import io.plumbline.spark.training.CriticSettings.Trunk;
import java.util.List;
import java.util.Optional;

/** The options of PPO that GRPO does not have: the critic, and what it makes of rewards. */
final class CriticOptions {
  private static final String CRITIC = "Critic and advantages";

  static final Setting<String> REWARD_MODEL =
      Setting.text(
          "reward-model",
          "DIR",
          "Rewards and costs",
          "A reward model that scores completions; short for --reward model{\"path\":\"DIR\"}. May"
              + " stand beside --reward.");
  static final Setting<Integer> NUM_GENERATIONS =
      Setting.count("num-generations", "Rollouts", "Completions of each prompt.", 1)
          .withInitial("1");
  static final Setting<Integer> NUM_ITERATIONS =
      RolloutOptions.NUM_ITERATIONS
          .withHelp(RolloutOptions.NUM_ITERATIONS.help() + " (TRL: num_ppo_epochs.)")
          .withInitial("4");
  static final Setting<Trunk> CRITIC_TRUNK =
      Setting.choice(
              "critic-trunk",
              CRITIC,
              "A critic of its own, or a head on the policy's trunk, which takes less memory and"
                  + " learns for both.",
              Trunk.class)
          .withInitial("own");
  static final Setting<String> CRITIC_MODEL =
      Setting.text(
          "critic-model",
          "DIR",
          CRITIC,
          "What a critic of its own starts from: a reward model, or a language model under a fresh"
              + " head. By default the reward model, where rewards have one, else --model.");
  static final Setting<Double> GAMMA =
      Setting.number("gamma", CRITIC, "Discount of a token's distance.", 0, 1).withInitial("1.0");
  static final Setting<Double> LAM =
      Setting.number(
              "lam",
              CRITIC,
              "Lambda of generalized advantages: 1 trusts rewards alone, 0 the critic.",
              0,
              1)
          .withInitial("0.95");
  static final Setting<Double> CLIPRANGE_VALUE =
      limit("cliprange-value", "How far the critic's value may move from what it was.")
          .withInitial("0.2");
  static final Setting<Double> VF_COEF =
      Setting.number("vf-coef", CRITIC, "Weight of the critic's loss.", 0, Double.POSITIVE_INFINITY)
          .withInitial("0.1");
  static final Setting<Boolean> WHITEN_REWARDS =
      Setting.flag("whiten-rewards", CRITIC, "Scales a phase's rewards by token to variance 1.");
  static final Setting<Double> REWARD_SCALE =
      Setting.positive("reward-scale", CRITIC, "Rewards are multiplied with this first.")
          .withInitial("1.0");
  static final Setting<Double> REWARD_CLIP =
      limit("reward-clip", "Rewards so scaled are kept within X of 0.").withInitial("none");
  static final Setting<Double> MISSING_EOS_PENALTY =
      Setting.number(
              "missing-eos-penalty",
              CRITIC,
              "What a completion loses that was cut off.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<String> PTX_DATA =
      Setting.repeated(
          "ptx-data",
          "SOURCE",
          CRITIC,
          "Rows as sft takes them, of which every update learns --global-batch-size too, so that"
              + " the policy does not forget (PPO-ptx); may be repeated.");
  static final Setting<Double> PTX_COEF =
      Setting.positive("ptx-coef", CRITIC, "Weight of these rows' loss, a mean over tokens.")
          .withInitial("1.0");
  static final Setting<Integer> PTX_MAX_LENGTH =
      Setting.count("ptx-max-length", CRITIC, "These rows are cut to N tokens.", 2)
          .withInitial("1024");

  private CriticOptions() {}

  private static Setting<Double> limit(String name, String help) {
    return Setting.value(
        name,
        "X|none",
        CRITIC,
        help,
        text ->
            text.equalsIgnoreCase("none")
                ? Double.POSITIVE_INFINITY
                : Setting.realNumber(text, 0, Double.POSITIVE_INFINITY));
  }

  static List<Setting<?>> all() {
    return List.of(
        CRITIC_TRUNK,
        CRITIC_MODEL,
        GAMMA,
        LAM,
        CLIPRANGE_VALUE,
        VF_COEF,
        WHITEN_REWARDS,
        REWARD_SCALE,
        REWARD_CLIP,
        MISSING_EOS_PENALTY,
        PTX_DATA,
        PTX_COEF,
        PTX_MAX_LENGTH);
  }

  /** A reward function that is a reward model. */
  static String spec(String directory) {
    return "model" + JsonNodeFactory.instance.objectNode().put("path", directory);
  }

  /** The settings that the values make. */
  static CriticSettings settings(List<String> rewards, SettingValues values, Problems problems) {
    Trunk trunk = values.of(CRITIC_TRUNK);
    if (trunk == Trunk.SHARED && values.has(CRITIC_MODEL)) {
      problems.add(
          "--critic-model names what a critic of its own starts from, and --critic-trunk is shared:"
              + " leave one out.");
    }
    if (!values.has(PTX_DATA)) {
      for (Setting<?> alone : List.of(PTX_COEF, PTX_MAX_LENGTH)) {
        if (values.has(alone)) {
          problems.add(
              alone.option() + " does nothing without --ptx-data: add that, or leave it out.");
        }
      }
    }
    if (values.has(PTX_DATA) && values.of(RolloutOptions.TEMPERATURE) != 1) {
      problems.add(
          "--ptx-data is learned in the same pass as the rollouts, whose logits --temperature"
              + " divides: leave one out.");
    }
    for (Setting<Double> limit : List.of(CLIPRANGE_VALUE, REWARD_CLIP)) {
      if (values.of(limit) == 0) {
        problems.add(limit.option() + " must be over 0, or none.");
      }
    }
    return new CriticSettings(
        trunk == Trunk.SHARED
            ? ""
            : values.find(CRITIC_MODEL).orElseGet(() -> start(rewards, values)),
        trunk,
        values.of(GAMMA),
        values.of(LAM),
        values.of(CLIPRANGE_VALUE),
        values.of(VF_COEF),
        values.of(WHITEN_REWARDS) ? RewardScaling.WHITENED : RewardScaling.AS_THEY_ARE,
        values.of(REWARD_SCALE),
        values.of(REWARD_CLIP),
        values.of(MISSING_EOS_PENALTY),
        values.all(PTX_DATA),
        values.of(PTX_COEF),
        values.of(PTX_MAX_LENGTH));
  }

  /** The reward model where there is exactly one, else the policy. */
  private static String start(List<String> rewards, SettingValues values) {
    List<String> models =
        rewards.stream().map(CriticOptions::modelOf).flatMap(Optional::stream).toList();
    return models.size() == 1 ? models.get(0) : values.find(TrainingSettings.MODEL).orElse("");
  }

  /** The directory of a reward model. */
  private static Optional<String> modelOf(String reward) {
    try {
      RewardSpec spec = RewardSpec.parse(reward);
      return spec.kind().equals("model")
          ? Optional.ofNullable(
              new ObjectMapper().readTree(spec.options()).path("path").textValue())
          : Optional.empty();
    } catch (PlumblineException | JsonProcessingException e) {
      // What is wrong with it is told where rewards are read.
      return Optional.empty();
    }
  }
}
