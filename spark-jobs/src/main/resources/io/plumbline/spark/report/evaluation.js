"use strict";
// What an evaluation shows, from the object that evaluation.json holds.
(() => {
  const { data, element, add, shape, format, whole, percent, section, card, table } = plumbline;
  const colours = ["var(--one)", "var(--two)", "var(--three)", "var(--four)"];
  const colour = (i) => colours[i % colours.length];
  const policies = data.policies;
  const written = policies.some((policy) => policy.length);
  const rewarded = policies.some((policy) => policy.reward);

  function within(value, error) {
    return value === undefined ? "–" : format(value) + (error === undefined ? "" : " ± " + format(error));
  }
  function estimate(of) {
    return of ? within(of.mean, of.error) : "–";
  }

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

  function ticks(from, to) {
    const rough = (to - from) / 5 || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((size) => size >= rough);
    const found = [];
    for (let i = Math.ceil(from / step); i * step <= to + 1e-9 * step; i++) found.push(i * step);
    return found;
  }
  // A plane with axes; gives the drawing and the functions that place a value on it.
  function plane(width, height, xs, ys, xName, yName) {
    const [left, right, top, bottom] = [52, 16, 12, 38];
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const x = (value) => left + ((value - xs[0]) / (xs[1] - xs[0])) * (width - left - right);
    const y = (value) => height - bottom - ((value - ys[0]) / (ys[1] - ys[0])) * (height - top - bottom);
    for (const tick of ticks(...ys)) {
      svg.append(
        shape("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
        shape("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, format(Number(tick.toPrecision(6)))));
    }
    for (const tick of ticks(...xs)) {
      svg.append(
        shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }),
        shape("text", { x: x(tick), y: height - bottom + 15, "text-anchor": "middle" }, format(Number(tick.toPrecision(6)))));
    }
    svg.append(
      shape("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
      shape("text", { x: width - right, y: height - 6, "text-anchor": "end" }, xName),
      shape("text", { x: 4, y: top - 1 }, yName));
    return { svg, x, y, right: width - right };
  }
  function line(points, className, stroke) {
    const made = shape("path", { class: className, d: points.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("") });
    made.style.stroke = stroke;
    return made;
  }
  function legend(entries) {
    const made = element("div", "legend");
    for (const [name, swatch, className] of entries) {
      const entry = element("span", className ? "swatch " + className : "swatch", name);
      entry.style.setProperty("--swatch", swatch);
      made.append(entry);
    }
    return made;
  }
  function span(values, margin) {
    const least = Math.min(...values);
    const most = Math.max(...values);
    const space = (most - least || Math.abs(most) || 1) * margin;
    return [least - space, most + space];
  }

  if (data.tilt) {
    const tilt = data.tilt;
    const start = tilt.best_of_n[0].reward;
    const placed = policies.filter((policy) => policy.kl && policy.reward);
    const frontier = tilt.frontier.map((optimum) => [Math.max(0, optimum.kl.mean), optimum.reward.mean]);
    frontier.sort((a, b) => a[0] - b[0]);
    const best = tilt.best_of_n.map((one) => [one.kl_bound, one.reward.mean]);
    const rewards = [start.mean, tilt.reward.mean, ...frontier.map((p) => p[1]), ...best.map((p) => p[1]), ...placed.map((p) => p.reward.mean)];
    const kls = [tilt.kl.mean, ...frontier.map((p) => p[0]), ...placed.map((p) => p.kl.mean)];
    const { svg, x, y, right } = plane(1000, 440, [0, Math.max(...kls) * 1.06 || 1], span(rewards, 0.08), "KL to the reference, nats", "mean reward");
    svg.setAttribute("aria-label", "Mean reward against KL to the reference: the frontier, best-of-n, and each policy");
    const chart = section("Reward against KL",
      `No policy can have more reward at a KL than the frontier. It comes from ${whole(tilt.num_completions)} completions of the reference to each prompt, weighted by exp(reward/β); ` +
      "past its end they can tell of no more. Best-of-n stands at the most that its KL can be.");
    if (frontier.length) {
      const last = frontier[frontier.length - 1];
      svg.append(
        line([[x(0), y(start.mean)], ...frontier.map(([kl, reward]) => [x(kl), y(reward)])], "raw", "var(--soft)"),
        line([[x(last[0]), y(last[1])], [right, y(last[1])]], "raw faint ideal", "var(--soft)"));
    }
    svg.append(line(best.map(([kl, reward]) => [x(kl), y(reward)]), "raw ideal", "var(--good)"));
    function dot(kl, reward, fill, name, above) {
      const at = { cx: x(Math.max(0, kl.mean)), cy: y(reward.mean) };
      for (const [dx, dy] of [[kl.error, 0], [0, reward.error]]) {
        if (dx === undefined || dy === undefined) continue;
        const whisker = shape("line", {
          class: "stem",
          x1: x(Math.max(0, kl.mean - dx)), x2: x(Math.max(0, kl.mean + dx)),
          y1: y(reward.mean - dy), y2: y(reward.mean + dy),
        });
        whisker.style.stroke = fill;
        svg.append(whisker);
      }
      const made = shape("circle", { class: "dot", r: 6, ...at });
      made.style.fill = fill;
      made.style.stroke = fill;
      const nearEnd = at.cx > right - 120;
      svg.append(
        add(made, shape("title", {}, `${name}: reward ${estimate(reward)}, KL ${estimate(kl)}`)),
        shape("text", { x: at.cx + (nearEnd ? -10 : 10), y: at.cy + (above ? -9 : 17), "text-anchor": nearEnd ? "end" : "start" }, name));
    }
    dot({ mean: 0, error: 0 }, start, "var(--soft)", "reference", true);
    dot(tilt.kl, tilt.reward, "var(--soft)", `optimum at β = ${format(tilt.beta)}`, true);
    placed.forEach((policy) => dot(policy.kl, policy.reward, colour(policies.indexOf(policy)), policy.name));
    chart.append(card("", legend([["frontier", "var(--soft)"], ["best-of-n", "var(--good)"],
      ...placed.map((policy) => [policy.name, colour(policies.indexOf(policy)), "disc"])]), svg));
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
      const { svg, x, y } = plane(340, 260, [0.5, 1], [0, 1], "predicted", "right");
      svg.setAttribute("aria-label", "Reliability of " + policy.name);
      svg.append(line([[x(0.5), y(0.5)], [x(1), y(1)]], "raw ideal", "var(--soft)"));
      for (const bin of policy.preferences.reliability) {
        const mark = shape("circle", { class: "dot", cx: x(bin.predicted), cy: y(bin.observed), r: 3 + 9 * Math.sqrt(bin.share) });
        mark.style.fill = colour(i);
        mark.style.stroke = colour(i);
        svg.append(add(mark, shape("title", {},
          `${percent(bin.share)} of the pairs: predicted ${percent(bin.predicted)}, right ${percent(bin.observed)}`)));
      }
      charts.append(card(policy.name,
        element("p", "note", `calibration error ${format(policy.preferences.calibration_error)}, ${whole(policy.preferences.pairs)} pairs`), svg));
    });
    made.append(charts);
  }

  // --- samples ---------------------------------------------------------------------------------

  if (data.samples) {
    const made = section("Side by side", "The first completion of each policy to the first prompts, from the same seed.");
    for (const sample of data.samples) {
      const sides = element("div", "sides");
      for (const completion of sample.completions) {
        sides.append(add(element("div"),
          element("p", "label", completion.name + (completion.reward === undefined ? "" : " · reward " + format(completion.reward))),
          element("p", completion.text ? "text" : "text empty", completion.text || "nothing")));
      }
      made.append(add(element("div", "card sample"), element("p", "label", "Prompt"), element("p", "text", sample.prompt), sides));
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
