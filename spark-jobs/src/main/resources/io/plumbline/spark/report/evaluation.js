"use strict";
// What an evaluation shows, from the object that evaluation.json holds.
(() => {
  const { data, element, add, format, whole, within, estimate, percent, section, card, table, side } = plumbline;
  const { legend, colorOf, rewardOverKl, reliability } = plumbline;
  const policies = data.policies;
  const written = policies.some((policy) => policy.length);
  const rewarded = policies.some((policy) => policy.reward);

  // --- policies --------------------------------------------------------------------------------

  // Measures down the side: policies are few, and measures many.
  const measures = [];
  function measure(name, cell, wanted) {
    if (wanted) measures.push([name, cell]);
  }
  measure("Mean reward", (policy) => estimate(policy.reward), rewarded);
  const names = Object.keys(policies[0].rewards || {});
  for (const name of names) {
    measure(name, (policy) => format(policy.rewards[name]), names.length > 1);
  }
  measure("KL, nats", (policy) => estimate(policy.kl), policies.some((policy) => policy.kl));
  measure("Length, tokens", (policy) => format(policy.length.mean), written);
  measure("Cut off", (policy) => percent(policy.length.clipped_ratio), written);
  measure("Wins against " + policies[0].name,
    (policy) => (policy.win_rate ? within(policy.win_rate.rate, policy.win_rate.error) : "–"),
    policies.some((policy) => policy.win_rate));
  measure("Most reward at its KL",
    (policy) => (policy.frontier.within_reach ? "" : "≥ ") + within(policy.frontier.reward, policy.frontier.error),
    policies.some((policy) => policy.frontier));
  measure("Share reached",
    (policy) => within(policy.frontier.share, policy.frontier.share_error),
    policies.some((policy) => policy.frontier));
  measure("Accuracy on pairs",
    (policy) => within(policy.preferences.accuracy, policy.preferences.accuracy_error),
    policies.some((policy) => policy.preferences));
  measure("Margin",
    (policy) => within(policy.preferences.margin, policy.preferences.margin_error),
    policies.some((policy) => policy.preferences));
  measure("Calibration error",
    (policy) => format(policy.preferences.calibration_error),
    policies.some((policy) => policy.preferences));
  section("Policies", "Figures behind ± are standard errors.").append(
    card("", table([""].concat(policies.map((policy) => policy.name)),
      measures.map(([name, cell]) => [name].concat(policies.map((policy) => cell(policy)))),
      [""].concat(policies.map(() => "number")))));

  // --- charts ----------------------------------------------------------------------------------

  if (data.tilt) {
    const tilt = data.tilt;
    const start = tilt.best_of_n[0].reward;
    const placed = policies.filter((policy) => policy.kl && policy.reward);
    const frontier = tilt.frontier.map((optimum) => [Math.max(0, optimum.kl.mean), optimum.reward.mean]);
    frontier.sort((a, b) => a[0] - b[0]);
    const most = frontier[frontier.length - 1];
    const chart = section("Reward against KL",
      `No policy can have more reward at a KL than the frontier. It comes from ${whole(tilt.num_completions)} completions of the reference to each prompt, weighted by exp(reward/β); ` +
      "past its end they can tell of no more. Best-of-n stands at the most that its KL can be.");
    const diagram = rewardOverKl({
      label: "Mean reward against KL to the reference: the frontier, best-of-n, and each policy",
      x: { name: "KL to the reference, nats" },
      y: { name: "mean reward" },
      lines: [
        ...(most ? [{ points: [[0, start.mean], ...frontier], color: "--soft" }, { points: [most, [Infinity, most[1]]], color: "--soft", dashed: true }] : []),
        { points: tilt.best_of_n.map((one) => [one.kl_bound, one.reward.mean]), color: "--good", dashed: true },
      ],
      points: [
        { name: "reference", kl: { mean: 0 }, reward: start, color: "--soft" },
        { name: `optimum at β = ${format(tilt.beta)}`, kl: tilt.kl, reward: tilt.reward, color: "--soft", hollow: true },
        ...placed.map((policy) => ({ name: policy.name, kl: policy.kl, reward: policy.reward, color: colorOf(policies.indexOf(policy)) })),
      ],
    });
    chart.append(card("", legend([["frontier", "--soft"], ["best-of-n", "--good"], ...placed.map((policy) => [policy.name, colorOf(policies.indexOf(policy)), "disc"])]), diagram));
    const prices = table(["β", "reward", "KL, nats", "log Z", `effective of ${whole(tilt.num_completions)}`],
      [tilt, ...tilt.frontier].sort((a, b) => b.beta - a.beta).map((optimum) => [
        format(optimum.beta), estimate(optimum.reward), estimate(optimum.kl), estimate(optimum.log_partition),
        format(Number(optimum.effective_sample_size.toFixed(1)))]),
      ["", "number", "number", "number", "number"]);
    chart.append(add(element("details"), element("summary", "", "The optimum at each price β"), card("", prices)));
  }

  // --- preferences -----------------------------------------------------------------------------

  if (policies.some((policy) => policy.preferences)) {
    const made = section("Are its preferences sure when they are right?",
      "Pairs by how surely the implicit rewards prefer one side, σ(margin), against how often that side is the chosen one. " +
      "On the dashed line a policy is as sure as it is right.");
    const charts = element("div", "charts");
    policies.forEach((policy, i) => {
      const diagram = reliability({
        label: "Reliability of " + policy.name,
        x: "predicted",
        y: "right",
        groups: [{ name: policy.name, bins: policy.preferences.reliability, color: colorOf(i) }],
      });
      charts.append(card(policy.name,
        element("p", "note", `calibration error ${format(policy.preferences.calibration_error)}, ${whole(policy.preferences.pairs)} pairs`), diagram));
    });
    made.append(charts);
  }

  // --- samples ---------------------------------------------------------------------------------

  if (data.samples) {
    const made = section("Side by side", "The first completion of each policy to the first prompts, from the same seed.");
    for (const sample of data.samples) {
      const sides = sample.completions.map((completion) =>
        side(completion.name + (completion.reward === undefined ? "" : " · reward " + format(completion.reward)), completion.text, ""));
      made.append(add(element("div", "card sample"), side("Prompt", sample.prompt, ""), add(element("div", "sides"), ...sides)));
    }
  }

  // --- how -------------------------------------------------------------------------------------

  const how = [];
  if (data.reference) how.push(["reference", data.reference]);
  policies.forEach((policy) => how.push([policy.name, policy.model]));
  if (data.beta !== undefined) how.push(["beta", format(data.beta)]);
  for (const [name, value] of Object.entries(data.prompts || {})) {
    const text = Array.isArray(value) ? value.join("\n") : String(value);
    if (text) how.push([name === "rows" ? "prompts" : name, text]);
  }
  policies.filter((policy) => policy.failed_rewards)
    .forEach((policy) => how.push(["completions of " + policy.name + " without a reward", whole(policy.failed_rewards)]));
  section("How it was measured").append(card("", table(null, how, ["", "code"])));
})();
