"use strict";
// What each metric says, by its name in metrics.jsonl (TRL's where TRL has one), and which metrics
// share a chart. A metric that is not here is shown all the same, under its name.
Object.assign(plumbline, (() => {
  const MEANINGS = {
    loss: "What training lowers, mean over the step; of losses that are not likelihoods the height itself says little.",
    "rewards/chosen": "Reward of the preferred side: β times how much likelier it became than under the reference (without a reference, β times its log-probability).",
    "rewards/rejected": "The same of the rejected side.",
    "rewards/margins": "Reward of the preferred side minus that of the rejected one. Rising means that the model tells them apart; far above 10 often means that it learns the pairs by heart.",
    "rewards/accuracies": "Share of pairs whose preferred side has the higher reward; 0.5 is a coin.",
    "logps/chosen": "Log-probability of the whole preferred side, in nats. It may fall while the margin grows; a steep fall means that likelihood moves elsewhere.",
    "logps/rejected": "Log-probability of the whole rejected side, in nats.",
    "logits/chosen": "Mean of the logits at the preferred side's tokens; drift is a sign of numbers growing, no more.",
    "logits/rejected": "Mean of the logits at the rejected side's tokens.",
    prefers_chosen: "Share of pairs where the preferred side has more log-probability a token: what the policy itself would rather write.",
    nll_loss: "Negative log-likelihood of the preferred side's tokens, in nats a token.",
    log_odds_ratio: "Logarithm of the odds of the preferred side over those of the rejected one; above 0 the policy prefers the right side.",
    log_odds_chosen: "The part of ORPO's loss that the odds ratio makes: its log-sigmoid.",
    mean_token_accuracy: "Share of tokens that the model finds the most probable.",
    entropy: "How undecided the model is about the next token, in nats, mean over tokens. Near 0 it says always the same.",
    accuracy: "Share of pairs whose preferred side has the higher score.",
    margin: "Score of the preferred side minus that of the rejected one.",
    min_reward: "Least score in the step.",
    mean_reward: "Mean score in the step; only differences of scores mean anything.",
    max_reward: "Greatest score in the step.",
    brier_score: "Squared error of the predicted probability that the preferred side wins; 0.25 is what a coin gets, 0 is best.",
    calibration_error: "How far predicted probabilities are from how often the prediction was right; 0 is best.",
    reward: "Weighted sum of the reward functions, mean over completions: what the policy is to raise.",
    reward_std: "Standard deviation of the rewards.",
    frac_reward_zero_std: "Share of groups whose completions all scored the same, and so teach nothing.",
    "rewards/failed": "Completions that a reward function could not score.",
    "completions/mean_length": "Tokens of a completion, mean.",
    "completions/min_length": "Tokens of the shortest completion.",
    "completions/max_length": "Tokens of the longest completion.",
    "completions/mean_terminated_length": "Tokens of completions that ended by themselves, mean.",
    "completions/min_terminated_length": "Tokens of the shortest completion that ended by itself.",
    "completions/max_terminated_length": "Tokens of the longest completion that ended by itself.",
    "completions/clipped_ratio": "Share of completions that were cut off at the greatest length.",
    kl: "Estimated KL divergence of the policy from the reference, in nats.",
    kl_coef: "What a nat of KL costs in reward; moves only with an adaptive controller.",
    kl_over_budget: "1 where the KL went over its budget, and training on the phase stopped.",
    "objective/kl": "Distance of the policy from the reference in nats a completion: the sum of its tokens' log-ratios, mean. Fast growth with a rising reward is the mark of reward hacking.",
    "objective/entropy": "Minus the log-probability of a completion under the policy that wrote it, mean, in nats.",
    "objective/non_score_reward": "The KL penalty of a completion: −kl_coef times its KL, mean.",
    "objective/rlhf_reward": "Score and KL penalty together: what PPO raises.",
    "objective/scores": "What the reward model or reward function gave a completion, mean.",
    "policy/approxkl_avg": "How far the update moved the policy from the one that sampled, in nats a token. Much above 0.02 means steps too large.",
    "policy/clipfrac_avg": "Share of tokens whose ratio the clipping held back. 0.05 to 0.3 is usual.",
    "policy/entropy_avg": "How undecided the policy is about the next token, in nats, mean over tokens.",
    "loss/policy_avg": "PPO's clipped surrogate loss of the policy, mean over the updates of the phase.",
    "loss/value_avg": "Squared error of the critic against the returns, mean over the updates of the phase; should fall.",
    "val/clipfrac_avg": "Share of tokens at which the clipping held the critic back.",
    "val/ratio": "Ratio of the policy's probability to that of the policy that sampled, mean; near 1 while updates stay small.",
    "val/ratio_var": "Variance of that ratio.",
    "val/num_eos_tokens": "Completions that ended by themselves, counted by their EOS tokens.",
    episode: "Completions sampled so far.",
    eps: "Completions (episodes) sampled and learned from in a second.",
    lr: "Step size of the optimiser.",
    "clip_ratio/low_mean": "Share of tokens whose ratio was clipped from below.",
    "clip_ratio/high_mean": "Share of tokens whose ratio was clipped from above.",
    "clip_ratio/region_mean": "Share of tokens clipped either way.",
    "importance_ratio/mean": "Ratio of the policy's probability to that of the policy that sampled, mean over tokens; 1 before the first update of a phase.",
    "importance_ratio/min": "Least of these ratios in the step.",
    "importance_ratio/max": "Greatest of these ratios in the step.",
    "sampling/sampling_logp_difference/mean": "How far the log-probabilities of sampling and training are apart for the same weights; rounding only.",
    "sampling/importance_sampling_ratio/min": "Least ratio between training's and sampling's probability for the same weights; should be 1.",
    "sampling/importance_sampling_ratio/max": "Greatest ratio between training's and sampling's probability for the same weights; should be 1.",
    "sampling/rounds": "Rounds of sampling that the phase took until it had enough groups to learn from.",
    "curriculum/frac_measured": "Share of the prompts that have been sampled at least once.",
    "curriculum/frac_zero_std": "Share of the measured prompts whose last group scored all the same.",
    grad_norm: "Length of the gradient before clipping; peaks far above the rest are steps to look at.",
    learning_rate: "Step size of the optimiser.",
    num_tokens: "Tokens trained on so far.",
    tokens_per_second: "Tokens trained on in a second, of all ranks together.",
    step_time: "Seconds that the step took.",
    runtime: "Seconds that the evaluation took.",
    epoch: "Passes over the data so far.",
  };
  const FAMILIES = [
    [/^rewards\/(.+)\/mean$/, (name) => `What the reward function ${name} gave a completion, mean, unweighted.`],
    [/^rewards\/(.+)\/std$/, (name) => `Standard deviation of what the reward function ${name} gave.`],
    [/^costs\/(.+)\/mean$/, (name) => `Cost ${name} of a completion, mean, against its limit.`],
    [/^lagrange\/(.+)$/, (name) => `Multiplier of the limit on the cost ${name}; one that rises without end says that the limit cannot be met.`],
  ];

  // A sentence on a metric; undefined where nobody wrote one.
  function meaning(metric) {
    const heldOut = metric.startsWith("eval_");
    const name = heldOut ? metric.slice(5) : metric;
    let sentence = Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined;
    for (const [pattern, say] of FAMILIES) {
      const found = sentence === undefined && pattern.exec(name);
      if (found) sentence = say(found[1]);
    }
    return sentence === undefined ? undefined : heldOut ? "On held-out data. " + sentence : sentence;
  }

  // Charts in their order. The same of held-out data goes with each metric by itself.
  const CHARTS = [
    ["Loss", ["loss"]],
    ["Policy loss", ["loss/policy_avg"]],
    ["Value loss", ["loss/value_avg"]],
    ["Reward of a completion", ["reward"]],
    ["Score and KL penalty", ["objective/rlhf_reward", "objective/scores", "objective/non_score_reward"]],
    ["Reward margin", ["rewards/margins"]],
    ["Reward accuracy", ["rewards/accuracies"], [0, 1]],
    ["Rewards of both sides", ["rewards/chosen", "rewards/rejected"]],
    ["Accuracy of the scores", ["accuracy"], [0, 1]],
    ["Margin of the scores", ["margin"]],
    ["Scores", ["min_reward", "mean_reward", "max_reward"]],
    ["Distance from the reference a completion (KL)", ["objective/kl"]],
    ["Distance from the reference (KL)", ["kl"]],
    ["Cost of KL", ["kl_coef"]],
    ["Move of an update (KL)", ["policy/approxkl_avg"]],
    ["Tokens of a completion", ["completions/mean_length", "completions/min_length", "completions/max_length"]],
    ["Share of completions cut off", ["completions/clipped_ratio"], [0, 1]],
    ["Completions that ended", ["val/num_eos_tokens"]],
    ["Spread of the rewards", ["reward_std"]],
    ["Share of groups that scored alike", ["frac_reward_zero_std"], [0, 1]],
    ["Share of tokens clipped", ["clip_ratio/low_mean", "clip_ratio/high_mean", "clip_ratio/region_mean"], [0, 1]],
    ["Share clipped, policy and critic", ["policy/clipfrac_avg", "val/clipfrac_avg"], [0, 1]],
    ["Ratio to the sampling policy", ["val/ratio", "val/ratio_var"]],
    ["Entropy", ["entropy", "policy/entropy_avg"]],
    ["Entropy of a completion", ["objective/entropy"]],
    ["Chosen likelier a token", ["prefers_chosen"], [0, 1]],
    ["Log-probabilities", ["logps/chosen", "logps/rejected"]],
    ["Loss of the chosen side's tokens", ["nll_loss"]],
    ["Token accuracy", ["mean_token_accuracy"], [0, 1]],
    ["Brier score", ["brier_score"]],
    ["Calibration error", ["calibration_error"]],
    ["Gradient norm before clipping", ["grad_norm"]],
    ["Learning rate", ["learning_rate", "lr"]],
    ["Throughput, tokens/s", ["tokens_per_second"]],
    ["Throughput, completions/s", ["eps"]],
    ["Seconds a step", ["step_time"]],
  ];
  // Names in a legend; the chart's title says the rest.
  const SHORT = {
    "rewards/chosen": "chosen", "rewards/rejected": "rejected", "logps/chosen": "chosen", "logps/rejected": "rejected",
    min_reward: "least", mean_reward: "mean", max_reward: "greatest",
    "clip_ratio/low_mean": "too low", "clip_ratio/high_mean": "too high", "clip_ratio/region_mean": "either",
    "completions/mean_length": "mean", "completions/min_length": "shortest", "completions/max_length": "longest",
    "objective/rlhf_reward": "together", "objective/scores": "score", "objective/non_score_reward": "penalty",
    "policy/clipfrac_avg": "policy", "val/clipfrac_avg": "critic", "val/ratio": "mean", "val/ratio_var": "variance",
  };

  // Splits the metrics that are there into charts {title, keys, range}: first the known, then the rest.
  function arrange(names) {
    const there = new Set(names);
    const used = new Set(["epoch"]);
    const known = [];
    for (const [title, metrics, range] of CHARTS) {
      const found = metrics.filter((m) => there.has(m) || there.has("eval_" + m));
      // Four curves are as many as a small chart can bear; more stand in two charts.
      const together = found.length <= 2 ? [found.flatMap((m) => [m, "eval_" + m])] : [found, found.map((m) => "eval_" + m)];
      together.forEach((keys, i) => {
        const present = keys.filter((k) => there.has(k));
        present.forEach((k) => used.add(k));
        if (present.length) known.push({ title: i ? title + ", held out" : title, keys: present, range });
      });
    }
    const rest = names.filter((name) => !used.has(name)).map((name) => ({ title: name, keys: [name] }));
    return { known, rest };
  }
  function shortName(metric) {
    const heldOut = metric.startsWith("eval_");
    const name = heldOut ? metric.slice(5) : metric;
    const short = Object.hasOwn(SHORT, name) ? SHORT[name] : undefined;
    if (short === undefined) return heldOut ? "held out" : "training";
    return heldOut ? short + ", held out" : short;
  }

  return { meaning, arrange, shortName };
})());
