"use strict";
(() => {
  const { data, element, add, format, whole, percent, duration, section, card, table, side, listOf } = plumbline;
  const { overSteps, chartGroup, histogram, bar, legend, reliability, meaning, arrange, shortName } = plumbline;

  // --- what changed ----------------------------------------------------------------------------

  function judge(comparison) {
    const change = Number(comparison.after) - Number(comparison.before);
    if (!Number.isFinite(change)) return { text: "not comparable", kind: "" };
    const shown = (change > 0 ? "+" : "") + format(change);
    if (change === 0) return { text: "no change", kind: "" };
    if (comparison.better === "NEITHER") return { text: shown, kind: "" };
    const good = change > 0 === (comparison.better === "HIGHER");
    return { text: shown + (good ? " better" : " worse"), kind: good ? "good" : "bad" };
  }
  function beforeAfter(before, after) {
    return [element("span", "before", format(before)), element("span", "arrow", "→"), element("span", "after", format(after))];
  }
  if (data.measured.comparisons.length) {
    const cards = element("div", "cards");
    for (const comparison of data.measured.comparisons) {
      const judged = judge(comparison);
      const values = add(element("div", "values"), ...beforeAfter(comparison.before, comparison.after), element("span", "tag " + judged.kind, judged.text));
      cards.append(card(comparison.metric, values, element("p", "note", comparison.meaning)));
    }
    section("What changed", "Measured on held-out data, before → after.").append(cards);
  }
  for (const sentence of data.warnings) {
    const box = add(element("p", "warning"), element("strong", "", "Mind:"), sentence);
    document.querySelector("header").append(box);
  }

  // --- calibration -----------------------------------------------------------------------------

  if (data.measured.calibration) {
    const { before, after, pairs } = data.measured.calibration;
    const place = section("How sure the model is, and how often it is right",
      "Each dot is a group of held-out pairs for which the model gave about the same probability that one side wins (across); its height is the share of them in which that side did win. On the dashed line the model is exactly as sure as it should be, below it too sure, above it not sure enough. A larger dot holds more pairs; a small one jumps by chance.");
    const diagram = reliability({
      label: "Reliability diagram: how often predictions were right, over how probable they were said to be",
      x: "predicted probability that one side wins",
      y: "how often that side won",
      groups: [{ name: "before", bins: before, color: "--two", hollow: true }, { name: "after", bins: after, color: "--one" }],
    });
    const dots = legend([...(before.length ? [["before", "--two", "ring"]] : []), ["after", "--one", "disc"]]);
    const starts = [...new Set([...before, ...after].map((bin) => bin.from))].sort((a, b) => a - b);
    const rows = starts.map((from) => {
      const both = [before, after].map((bins) => bins.find((bin) => bin.from === from));
      const row = [format(100 * from) + "–" + percent((both[0] || both[1]).to)];
      for (const bin of both) {
        row.push(!bin ? "–" : pairs === null ? percent(bin.share) : whole(Math.round(bin.share * pairs)), bin ? percent(bin.observed) : "–");
      }
      return row;
    });
    const numbers = card(pairs === null ? "Held-out pairs" : whole(pairs) + " held-out pairs",
      table(["Predicted", "Pairs before", "right", "Pairs after", "right"], rows, ["", "number", "number", "number", "number"]));
    place.append(add(element("div", "calibration"), card("", dots, diagram), numbers));
  }

  // --- charts ----------------------------------------------------------------------------------

  for (const stage of data.charts.stages) {
    const { last, stepsPerPoint, curves } = stage.curves;
    if (!last.length) continue;
    let note = whole(last.length) + (last.length === 1 ? " point" : " points") + " from metrics.jsonl. Point at a curve for its values, drag across it to zoom, click twice to see all.";
    if (stepsPerPoint > 1) note += ` Each point is the mean over ${stepsPerPoint} steps; the band reaches from the least value to the greatest.`;
    if (stage.kept !== null) note += ` The weights of step ${whole(stage.kept)} were kept; a dashed line marks it.`;
    const place = section("Training: " + stage.name, note);
    const group = chartGroup(last.length);
    place.append(group.toolbar);
    const draw = ({ title, keys, range }) => overSteps(stage.curves, {
      title,
      metrics: keys,
      nameOf: shortName,
      range,
      marks: stage.kept === null ? [] : [{ x: stage.kept, text: keys.some((key) => key.startsWith("eval_")) ? "kept: step " + whole(stage.kept) : "" }],
      meaning: keys.map((key) => [key, meaning(key) || "A metric that this report has no words for."]),
    }, group);
    const { known, rest } = arrange(curves.map((curve) => curve.metric));
    place.append(add(element("div", "charts"), ...known.map(draw)));
    if (rest.length) {
      const more = element("details");
      more.append(element("summary", "", rest.length === 1 ? "1 more metric" : rest.length + " more metrics"), add(element("div", "charts"), ...rest.map(draw)));
      place.append(more);
    }
  }
  if (data.charts.histograms.length) {
    const place = section("Distributions", "How often values of each size occur. The number beside a name says of how many values.");
    place.append(add(element("div", "charts"), ...data.charts.histograms.map((each) => histogram(each, chartGroup()))));
  }

  // --- samples ---------------------------------------------------------------------------------

  if (data.texts.samples.length) {
    const place = section("Samples side by side", "The same prompts, answered by the model before and after.");
    place.append(listOf(data.texts.samples, {
      what: "samples",
      texts: (sample) => [sample.prompt, sample.before, sample.after, ...sample.data.map((each) => each.text)],
      render: (sample) => {
        const sides = add(element("div", "sides"), side("Before", sample.before, ""), side("After", sample.after, "is-after"));
        for (const each of sample.data) sides.append(side(each.label, each.text, ""));
        return add(element("article", "card sample"), side("Prompt", sample.prompt, ""), sides);
      },
    }));
  }

  function margin(row, moment) {
    return row.sides.length === 2 ? Number(row.sides[0][moment]) - Number(row.sides[1][moment]) : NaN;
  }
  if (data.texts.scoredRows.length) {
    const place = section("Scores side by side", "The same held-out pairs, scored before → after. Only the difference between two scores of one prompt says anything.");
    place.append(listOf(data.texts.scoredRows, {
      what: "rows",
      texts: (row) => [row.prompt, ...row.sides.map((each) => each.text)],
      measure: "margin",
      values: (row) => [margin(row, "after")],
      render: (row) => {
        const sides = element("div", "sides");
        row.sides.forEach((scored, i) => {
          sides.append(add(side(scored.label, scored.text, i === 0 ? "is-after" : ""), add(element("div", "scores"), ...beforeAfter(scored.before, scored.after))));
        });
        const made = add(element("article", "card sample"), side("Prompt", row.prompt, ""), sides);
        if (row.sides.length === 2) {
          const right = margin(row, "after") > 0;
          made.append(add(element("div", "scores"), element("span", "label", "Margin"), ...beforeAfter(margin(row, "before"), margin(row, "after")),
            element("span", "tag " + (right ? "good" : "bad"), right ? "the preferred side is ahead" : "the preferred side is not ahead")));
        }
        return made;
      },
    }));
  }

  if (data.texts.rollouts.length) {
    const place = section("Rollouts", "What the policy wrote in training, some prompts of some phases, with the rewards. All rollouts are in the run's ledger.");
    place.append(listOf(data.texts.rollouts, {
      what: "prompts",
      texts: (group) => [group.prompt, ...group.completions.map((each) => each.text)],
      measure: "reward",
      values: (group) => group.completions.map((each) => Number(each.reward)),
      choices: [["All phases", () => true], ...[...new Set(data.texts.rollouts.map((group) => group.step))].map((step) => ["Step " + whole(step), (group) => group.step === step])],
      render: (group, keeps) => {
        const sides = element("div", "sides");
        const kept = group.completions.filter((each) => keeps(Number(each.reward)));
        kept.forEach((rollout, i) => {
          const scores = add(element("div", "scores"), element("span", "label", "Reward"), element("span", "after", Number.isNaN(Number(rollout.reward)) ? "none" : format(rollout.reward)), element("span", "label", whole(rollout.tokens) + (rollout.tokens === 1 ? " token" : " tokens")));
          if (rollout.note) scores.append(element("span", "tag", rollout.note));
          const parts = rollout.rewards.length > 1 ? element("p", "note parts", rollout.rewards.map(([name, value]) => name + " " + (Number.isNaN(Number(value)) ? "none" : format(value))).join(", ")) : "";
          sides.append(add(side("Completion", rollout.text, i === 0 ? "is-after" : ""), scores, parts));
        });
        return add(element("article", "card sample"), side("Prompt, step " + whole(group.step), group.prompt, ""), sides,
          element("p", "note", whole(kept.length) + " of " + whole(group.sampled) + (group.sampled === 1 ? " completion" : " completions")));
      },
    }));
  }

  // --- data, time, configuration ----------------------------------------------------------------

  function pairs(rows, valueClass, shown) {
    return table(null, rows.map(([name, value]) => [name, shown(value)]), ["", valueClass]);
  }
  if (data.rows.counts.length || data.rows.quarantine.length || data.rows.remarks.length) {
    const place = section("Data");
    for (const sentence of data.rows.remarks) place.append(element("p", "", sentence));
    const tables = element("div", "tables");
    if (data.rows.counts.length) tables.append(card("Counted", pairs(data.rows.counts, "number", whole)));
    if (data.rows.quarantine.length) {
      const refused = card("Quarantine: rows refused", table(["Reason", "Rows", "They are in"], data.rows.quarantine.map((each) => [each.reason, whole(each.rows), each.firstPlace]), ["", "number", "code"]));
      if (data.rows.refusedRows.length) refused.append(element("h4", "", "Some of them"), add(element("ul", "code"), ...data.rows.refusedRows.map((each) => element("li", "", each))));
      tables.append(refused);
    } else {
      tables.append(card("Quarantine", element("p", "note", "No row was refused.")));
    }
    place.append(tables);
  }
  if (data.timings.length) {
    const place = section("Time");
    const most = Math.max(...data.timings.map(([, s]) => s), 1e-9);
    const total = data.timings.reduce((sum, [, s]) => sum + s, 0);
    const rows = data.timings.map(([phase, seconds]) => [phase, duration(seconds), bar(seconds / most)]);
    place.append(card("", table(null, rows, ["phase", "number", "bars"]), element("p", "note", "Together " + duration(total) + ".")));
  }
  if (data.configuration.length) {
    const place = section("Configuration");
    const known = data.configuration.some((option) => option.standard !== null);
    place.append(listOf(data.configuration, {
      what: "options",
      texts: (option) => [option.name, option.value],
      choices: known ? [["All options", () => true], ["Not the default", (option) => option.standard !== option.value]] : [],
      page: Infinity,
      frame: (options) => card("", table(known ? ["Option", "Value", "Default"] : ["Option", "Value"], options.map((option) => {
        const row = [option.name, option.standard !== null && option.standard !== option.value ? element("strong", "", option.value) : option.value];
        if (known) row.push(option.standard === null ? "–" : option.standard);
        return row;
      }), ["", "code", "code"])),
    }));
  }
  if (data.provenance.length) section("Provenance").append(card("", pairs(data.provenance, "code", String)));
})();
