"use strict";
(() => {
  const { data, element, add, shape, format, whole, percent, duration, section, card, table, labelled, button } = plumbline;
  const { chart, chartGroup, histogram, meaning, arrange, shortName, listOf } = plumbline;

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
  if (data.comparisons.length) {
    const cards = element("div", "cards");
    for (const comparison of data.comparisons) {
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

  function reliability(calibration) {
    const WIDTH = 380, HEIGHT = 330, LEFT = 54, RIGHT = 20, TOP = 38, BOTTOM = 52, LOW = 0.5;
    const x = (v) => LEFT + ((v - LOW) / (1 - LOW)) * (WIDTH - LEFT - RIGHT);
    const y = (v) => TOP + (1 - v) * (HEIGHT - TOP - BOTTOM);
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Reliability diagram: how often predictions were right, over how probable they were said to be" });
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      add(svg, shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
      add(svg, shape("text", { x: LEFT - 7, y: y(tick) + 4, "text-anchor": "end" }, percent(tick)));
    }
    for (const tick of [0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
      add(svg, shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: y(0), y2: y(1) }));
      add(svg, shape("text", { x: x(tick), y: y(0) + 22, "text-anchor": "middle" }, percent(tick)));
    }
    add(svg, shape("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: y(0) + 42, "text-anchor": "middle" }, "predicted probability that one side wins"));
    add(svg, shape("text", { x: 4, y: 14 }, "how often that side won"));
    add(svg, shape("line", { class: "ideal", x1: x(LOW), y1: y(LOW), x2: x(1), y2: y(1) }));
    function dots(bins, kind) {
      for (const bin of bins) {
        const [px, py] = [x(Number(bin.predicted)), y(Number(bin.observed))];
        if (!Number.isFinite(px + py)) continue;
        if (kind === "is-after") add(svg, shape("line", { class: "stem", x1: px, x2: px, y1: py, y2: y(Number(bin.predicted)) }));
        const dot = shape("circle", { class: "dot " + kind, cx: px, cy: py, r: (3 + 11 * Math.sqrt(Number(bin.share))).toFixed(1) });
        add(dot, shape("title", {}, (kind === "is-after" ? "after: " : "before: ") + percent(bin.share) + " of pairs, predicted " + percent(bin.predicted) + ", right in " + percent(bin.observed)));
        add(svg, dot);
      }
    }
    dots(calibration.before, "is-before");
    dots(calibration.after, "is-after");
    return svg;
  }
  if (data.calibration) {
    const { before, after, pairs } = data.calibration;
    const place = section("How sure the model is, and how often it is right",
      "Each dot is a group of held-out pairs for which the model gave about the same probability that one side wins (across); its height is the share of them in which that side did win. On the dashed line the model is exactly as sure as it should be, below it too sure, above it not sure enough. A larger dot holds more pairs; a small one jumps by chance.");
    const legend = element("div", "legend");
    if (before.length) legend.append(element("span", "ring", "before"));
    legend.append(element("span", "disc", "after"));
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
    place.append(add(element("div", "calibration"), card("", legend, reliability(data.calibration)), numbers));
  }

  // --- charts ----------------------------------------------------------------------------------

  // null: not taken at that step, which a curve passes over. A name ("NaN", "Infinity"): taken, and
  // not finite, which breaks it.
  function valueAt(given) {
    return given === null ? undefined : typeof given === "string" ? null : given;
  }
  for (const stage of data.stages) {
    const { first, last, stepsPerPoint, curves } = stage.curves;
    if (!last.length) continue;
    const byName = new Map(curves.map((curve) => [curve.metric, curve]));
    let note = whole(last.length) + (last.length === 1 ? " point" : " points") + " from metrics.jsonl. Point at a curve for its values, drag across it to zoom, click twice to see all.";
    if (stepsPerPoint > 1) note += ` Each point is the mean over ${stepsPerPoint} steps; the band reaches from the least value to the greatest.`;
    if (stage.kept !== null) note += ` The weights of step ${whole(stage.kept)} were kept; a dashed line marks it.`;
    const place = section("Training: " + stage.name, note);
    const group = chartGroup();
    if (last.length > 60) group.smoothBy(3);
    place.append(group.toolbar);
    const place2step = (i) => (first[i] === last[i] ? "step " + whole(last[i]) : `steps ${whole(first[i])}–${whole(last[i])}`);
    function draw({ title, keys, range }) {
      const used = keys.map((key) => byName.get(key));
      const strange = used.reduce((n, curve) => n + curve.notFinite, 0);
      return chart({
        title,
        x: last,
        xName: place2step,
        range,
        note: strange ? whole(strange) + (strange === 1 ? " value is" : " values are") + " not finite." : undefined,
        series: used.map((curve) => ({
          name: shortName(curve.metric),
          values: curve.mean.map(valueAt),
          least: curve.least.map(valueAt),
          greatest: curve.greatest.map(valueAt),
          smooth: curve.metric !== "learning_rate" && curve.metric !== "lr",
        })),
        marks: stage.kept === null ? [] : [{ x: stage.kept, text: keys.some((key) => key.startsWith("eval_")) ? "kept: step " + whole(stage.kept) : "" }],
        meaning: keys.map((key) => [key, meaning(key) || "A metric that this report has no words for."]),
      }, group);
    }
    const { known, rest } = arrange(curves.map((curve) => curve.metric));
    place.append(add(element("div", "charts"), ...known.map(draw)));
    if (rest.length) {
      const more = element("details");
      more.append(element("summary", "", rest.length === 1 ? "1 more metric" : rest.length + " more metrics"), add(element("div", "charts"), ...rest.map(draw)));
      place.append(more);
    }
  }
  if (data.histograms.length) {
    const place = section("Distributions", "How often values of each size occur. The number beside a name says of how many values.");
    place.append(add(element("div", "charts"), ...data.histograms.map((each) => histogram(each, chartGroup()))));
  }

  // --- samples ---------------------------------------------------------------------------------

  function side(label, text, className) {
    const shown = text.trim() ? element("p", "text", text) : element("p", "text empty", text.length ? "only white space" : "nothing");
    return add(element("div", className), element("div", "label", label), shown);
  }
  if (data.samples.length) {
    const place = section("Samples side by side", "The same prompts, answered by the model before and after.");
    place.append(listOf(data.samples, {
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
  if (data.scoredRows.length) {
    const place = section("Scores side by side", "The same held-out pairs, scored before → after. Only the difference between two scores of one prompt says anything.");
    place.append(listOf(data.scoredRows, {
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

  if (data.rollouts.length) {
    const place = section("Rollouts", "What the policy wrote in training, some prompts of some phases, with the rewards. All rollouts are in the run's ledger.");
    place.append(listOf(data.rollouts, {
      what: "prompts",
      texts: (group) => [group.prompt, ...group.completions.map((each) => each.text)],
      measure: "reward",
      values: (group) => group.completions.map((each) => Number(each.reward)),
      choices: [["All phases", () => true], ...[...new Set(data.rollouts.map((group) => group.step))].map((step) => ["Step " + whole(step), (group) => group.step === step])],
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
  if (data.counts.length || data.quarantine.length || data.remarks.length) {
    const place = section("Data");
    for (const sentence of data.remarks) place.append(element("p", "", sentence));
    const tables = element("div", "tables");
    if (data.counts.length) tables.append(card("Counted", pairs(data.counts, "number", whole)));
    if (data.quarantine.length) {
      const refused = card("Quarantine: rows refused", table(["Reason", "Rows", "They are in"], data.quarantine.map((each) => [each.reason, whole(each.rows), each.firstPlace]), ["", "number", "code"]));
      if (data.refusedRows.length) refused.append(element("h4", "", "Some of them"), add(element("ul", "code"), ...data.refusedRows.map((each) => element("li", "", each))));
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
    const rows = data.timings.map(([phase, seconds]) => {
      const bar = element("div", "bar");
      bar.style.width = (100 * seconds) / most + "%";
      return [phase, duration(seconds), bar];
    });
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
