package io.plumbline.spark.cli.options;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.plumbline.base.Json;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.training.PpoRunSettings;
import io.plumbline.spark.training.PpoRunSettings.Critic;
import io.plumbline.spark.training.PpoRunSettings.Pretraining;
import io.plumbline.spark.training.PpoRunSettings.Trunk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is checked of the options of PPO that GRPO does not have, and what they stand for. */
final class CriticOptions {
  private static final Setting<String> CRITIC_MODEL =
      Setting.declared(Critic.class, "critic-model");
  private static final Setting<String> PTX_DATA = Setting.declared(Pretraining.class, "ptx-data");
  private static final Setting<Double> PTX_COEF = Setting.declared(Pretraining.class, "ptx-coef");
  private static final Setting<Integer> PTX_MAX_LENGTH =
      Setting.declared(Pretraining.class, "ptx-max-length");

  private CriticOptions() {}

  /** A reward function that is a reward model. */
  static String spec(String directory) {
    return "model" + JsonNodeFactory.instance.objectNode().put("path", directory);
  }

  /** The settings with the reward model among the rewards and the critic's start. */
  static PpoRunSettings resolved(PpoRunSettings settings, SettingValues values, Problems problems) {
    check(settings, values, problems);
    List<String> rewards = new ArrayList<>(settings.rewards().rewards());
    if (!settings.rewards().rewardModel().isEmpty()) {
      rewards.add(spec(settings.rewards().rewardModel()));
    }
    Critic critic = settings.critic();
    if (critic.trunk() == Trunk.SHARED) {
      return settings.resolved(rewards, "");
    }
    return settings.resolved(
        rewards, critic.model().isEmpty() ? start(rewards, values) : critic.model());
  }

  private static void check(PpoRunSettings settings, SettingValues values, Problems problems) {
    if (settings.critic().trunk() == Trunk.SHARED && values.has(CRITIC_MODEL)) {
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
    if (values.has(PTX_DATA) && settings.completions().temperature() != 1) {
      problems.add(
          "--ptx-data is learned in the same pass as the rollouts, whose logits --temperature"
              + " divides: leave one out.");
    }
    if (settings.critic().cliprangeValue() == 0) {
      problems.add("--cliprange-value must be over 0, or none.");
    }
    if (settings.shaping().rewardClip() == 0) {
      problems.add("--reward-clip must be over 0, or none.");
    }
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
          ? Optional.ofNullable(Json.MAPPER.readTree(spec.options()).path("path").textValue())
          : Optional.empty();
    } catch (PlumblineException | JsonProcessingException e) {
      // What is wrong with it is told where rewards are read.
      return Optional.empty();
    }
  }
}
