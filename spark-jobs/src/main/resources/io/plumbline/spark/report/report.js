"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const SVG = "http://www.w3.org/2000/svg";

  // Every text of the run goes through here, as a text node: none of it is ever parsed as markup.
  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function add(parent, ...children) {
    for (const child of children) parent.appendChild(child);
    return parent;
  }
  function shape(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function section(title, note) {
    const made = add(element("section"), element("h2", "", title));
    if (note) add(made, element("p", "note", note));
    return add(main, made).lastChild;
  }

  function format(value) {
    if (value === null || value === undefined) return "–";
    const number = Number(value);
    if (Number.isNaN(number)) return "not a number";
    if (!Number.isFinite(number)) return number > 0 ? "infinite" : "−infinite";
    const size = Math.abs(number);
    let text;
    if (number === 0) text = "0";
    else if (size >= 1e7 || size < 1e-4) text = number.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
    else if (size >= 1000) text = Math.round(number).toLocaleString("en-US");
    else if (Number.isInteger(number)) text = String(number);
    else text = String(Number(number.toPrecision(size < 0.01 ? 2 : size < 100 ? 3 : 4)));
    return text.replace("-", "−");
  }
  function whole(value) {
    return Number(value).toLocaleString("en-US");
  }
  function duration(seconds) {
    if (seconds < 60) return seconds.toFixed(1) + " s";
    const total = Math.round(seconds);
    const hours = Math.floor(total / 3600);
    const minutes = Math.floor((total % 3600) / 60);
    return (hours ? hours + " h " : "") + minutes + " min " + (total % 60) + " s";
  }

  // --- verdict ---------------------------------------------------------------------------------

  function judge(comparison) {
    const before = Number(comparison.before);
    const after = Number(comparison.after);
    const change = after - before;
    if (!Number.isFinite(change)) return { text: "not comparable", kind: "", change };
    const shown = (change > 0 ? "+" : "") + format(change);
    if (change === 0) return { text: "no change", kind: "", change };
    if (comparison.better === "NEITHER") return { text: shown, kind: "", change };
    const good = change > 0 === (comparison.better === "HIGHER");
    return { text: shown + (good ? " better" : " worse"), kind: good ? "good" : "bad", change };
  }
  function verdict() {
    if (data.verdict) return data.verdict;
    const judged = data.comparisons.filter((c) => c.better !== "NEITHER").map(judge);
    const better = judged.filter((j) => j.kind === "good").length;
    const worse = judged.filter((j) => j.kind === "bad").length;
    if (!judged.length) return "This run took no measures on held-out data.";
    if (better === judged.length) return "On held-out data, all " + better + " measures got better.";
    return "On held-out data, " + better + " of " + judged.length + " measures got better, " + worse + " got worse.";
  }
  document.getElementById("verdict").textContent = verdict();
  if (data.comparisons.length) {
    const cards = element("div", "cards");
    for (const comparison of data.comparisons) {
      const judged = judge(comparison);
      const values = add(
        element("div", "values"),
        element("span", "before", format(comparison.before)),
        element("span", "arrow", "→"),
        element("span", "after", format(comparison.after)),
        element("span", "tag " + judged.kind, judged.text)
      );
      add(cards, add(element("div", "card"), element("h3", "", comparison.metric), values, element("p", "note", comparison.meaning)));
    }
    add(section("What changed", "Measured on held-out data, before → after."), cards);
  }

  // --- calibration -----------------------------------------------------------------------------

  function percent(share) {
    return format(Number((100 * Number(share)).toPrecision(3))) + " %";
  }
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
    function dots(bins, color, kind) {
      for (const bin of bins) {
        const [px, py] = [x(Number(bin.predicted)), y(Number(bin.observed))];
        if (!Number.isFinite(px + py)) continue;
        if (kind === "is-after") add(svg, shape("line", { class: "stem", x1: px, x2: px, y1: py, y2: y(Number(bin.predicted)), style: "stroke:" + color }));
        const dot = shape("circle", { class: "dot " + kind, cx: px, cy: py, r: (3 + 11 * Math.sqrt(Number(bin.share))).toFixed(1), style: `fill:${color};stroke:${color}` });
        add(dot, shape("title", {}, (kind === "is-after" ? "after: " : "before: ") + percent(bin.share) + " of pairs, predicted " + percent(bin.predicted) + ", right in " + percent(bin.observed)));
        add(svg, dot);
      }
    }
    dots(calibration.before, "var(--two)", "is-before");
    dots(calibration.after, "var(--one)", "is-after");
    return svg;
  }
  if (data.calibration) {
    const { before, after, pairs } = data.calibration;
    const place = section("How sure the model is, and how often it is right",
      "Each dot is a group of held-out pairs for which the model gave about the same probability that one side wins (across); its height is the share of them in which that side did win. On the dashed line the model is exactly as sure as it should be, below it too sure, above it not sure enough. A larger dot holds more pairs; a small one jumps by chance.");
    const legend = element("div", "legend");
    const ring = element("span", "ring", "before"), disc = element("span", "disc", "after");
    ring.style.setProperty("--swatch", "var(--two)");
    disc.style.setProperty("--swatch", "var(--one)");
    if (before.length) add(legend, ring);
    add(legend, disc);
    const head = add(element("tr"), element("th", "", "Predicted"));
    for (const name of ["Pairs before", "right", "Pairs after", "right"]) add(head, element("th", "", name));
    const body = element("tbody");
    const starts = [...new Set([...before, ...after].map((bin) => bin.from))].sort((a, b) => a - b);
    for (const from of starts) {
      const both = [before, after].map((bins) => bins.find((bin) => bin.from === from));
      const some = both[0] || both[1];
      const row = add(element("tr"), element("th", "", format(100 * from) + "–" + percent(some.to)));
      for (const bin of both) {
        const size = !bin ? "–" : pairs === undefined ? percent(bin.share) : whole(Math.round(bin.share * pairs));
        add(row, element("td", "number", size), element("td", "number", bin ? percent(bin.observed) : "–"));
      }
      add(body, row);
    }
    const numbers = element("div", "card");
    add(numbers, element("h3", "", pairs === undefined ? "Held-out pairs" : whole(pairs) + " held-out pairs"), add(element("table"), add(element("thead"), head), body));
    add(place, add(element("div", "calibration"), add(element("div", "card"), legend, reliability(data.calibration)), numbers));
  }

  // --- samples ---------------------------------------------------------------------------------

  function side(label, text, className) {
    const shown = text.trim() ? element("p", "text", text) : element("p", "text empty", text.length ? "only white space" : "nothing");
    return add(element("div", className), element("div", "label", label), shown);
  }
  if (data.samples.length) {
    const place = section("Samples side by side", "The same prompts, answered by the model before and after.");
    const FIRST = 8;
    const rest = element("details");
    add(rest, element("summary", "", data.samples.length - FIRST + " more samples"));
    data.samples.forEach((sample, i) => {
      const sides = add(element("div", "sides"), side("Before", sample.before, ""), side("After", sample.after, "is-after"));
      for (const [label, text] of sample.data) add(sides, side(label, text, ""));
      add(i < FIRST ? place : rest, add(element("article", "card sample"), side("Prompt", sample.prompt, ""), sides));
    });
    if (data.samples.length > FIRST) add(place, rest);
  }

  if (data.scoredRows.length) {
    const place = section("Scores side by side", "The same held-out pairs, scored before → after. Only the difference between two scores of one prompt says anything.");
    for (const row of data.scoredRows) {
      const sides = element("div", "sides");
      row.sides.forEach((scored, i) => {
        const scores = add(element("div", "scores"), element("span", "before", format(scored.before)), element("span", "arrow", "→"), element("span", "after", format(scored.after)));
        add(sides, add(side(scored.label, scored.text, i === 0 ? "is-after" : ""), scores));
      });
      const card = add(element("article", "card sample"), side("Prompt", row.prompt, ""), sides);
      if (row.sides.length === 2) {
        const margin = (moment) => Number(row.sides[0][moment]) - Number(row.sides[1][moment]);
        const [was, is] = [margin("before"), margin("after")];
        const right = is > 0;
        add(card, add(element("div", "scores"),
          element("span", "label", "Margin"), element("span", "before", format(was)), element("span", "arrow", "→"), element("span", "after", format(is)),
          element("span", "tag " + (right ? "good" : "bad"), right ? "the preferred side is ahead" : "the preferred side is not ahead")));
      }
      add(place, card);
    }
  }

  if (data.rollouts.length) {
    const place = section("Rollouts of the last phase", "What the policy wrote to some prompts of its last phase, the highest reward of each prompt first. All rollouts are in the run's ledger.");
    for (const group of data.rollouts) {
      const sides = element("div", "sides");
      group.completions.forEach((rollout, i) => {
        const scores = add(element("div", "scores"), element("span", "label", "Reward"), element("span", "after", rollout.reward === null ? "none" : format(rollout.reward)), element("span", "label", whole(rollout.tokens) + (rollout.tokens === 1 ? " token" : " tokens")));
        add(sides, add(side("Completion", rollout.text, i === 0 ? "is-after" : ""), scores));
      });
      add(place, add(element("article", "card sample"), side("Prompt", group.prompt, ""), sides));
    }
  }

  // --- charts ----------------------------------------------------------------------------------

  const KNOWN = [
    { title: "Loss", keys: ["loss", "eval_loss"] },
    { title: "Reward of a completion", keys: ["reward", "eval_reward"] },
    { title: "Spread of the rewards", keys: ["reward_std", "eval_reward_std"] },
    { title: "Share of groups that scored alike", keys: ["frac_reward_zero_std"], range: [0, 1] },
    { title: "Tokens of a completion", keys: ["completions/mean_length", "eval_completions/mean_length"] },
    { title: "Share of completions cut off", keys: ["completions/clipped_ratio", "eval_completions/clipped_ratio"], range: [0, 1] },
    { title: "Distance from the reference a completion", keys: ["objective/kl", "eval_objective/kl"] },
    { title: "Share of tokens clipped", keys: ["clip_ratio/low_mean", "clip_ratio/high_mean"], range: [0, 1] },
    { title: "Accuracy of the scores", keys: ["accuracy", "eval_accuracy"], range: [0, 1] },
    { title: "Margin of the scores", keys: ["margin", "eval_margin"] },
    { title: "Scores", keys: ["min_reward", "mean_reward", "max_reward"] },
    { title: "Brier score", keys: ["brier_score", "eval_brier_score"] },
    { title: "Calibration error", keys: ["eval_calibration_error"] },
    { title: "Reward margin", keys: ["rewards/margins", "eval_rewards/margins"] },
    { title: "Reward accuracy", keys: ["rewards/accuracies", "eval_rewards/accuracies"], range: [0, 1] },
    { title: "Chosen likelier a token", keys: ["prefers_chosen", "eval_prefers_chosen"], range: [0, 1] },
    { title: "Rewards", keys: ["rewards/chosen", "rewards/rejected"] },
    { title: "Distance from the reference (KL)", keys: ["kl", "eval_kl"] },
    { title: "Log-probabilities", keys: ["logps/chosen", "logps/rejected"] },
    { title: "Loss of the chosen side's tokens", keys: ["nll_loss", "eval_nll_loss"] },
    { title: "Token accuracy", keys: ["mean_token_accuracy", "eval_mean_token_accuracy"], range: [0, 1] },
    { title: "Entropy", keys: ["entropy", "eval_entropy"] },
    { title: "Gradient norm before clipping", keys: ["grad_norm"] },
    { title: "Learning rate", keys: ["learning_rate"] },
    { title: "Throughput, tokens/s", keys: ["tokens_per_second", "tokens/s"] },
    { title: "Seconds a step", keys: ["step_time", "step_seconds", "seconds"] },
  ];
  const NAMES = {
    "rewards/chosen": "chosen", "rewards/rejected": "rejected", "clip_ratio/low_mean": "too low", "clip_ratio/high_mean": "too high", "logps/chosen": "chosen", "logps/rejected": "rejected",
    min_reward: "least", mean_reward: "mean", max_reward: "greatest",
  };
  const COLORS = ["var(--one)", "var(--two)", "var(--three)"];

  function niceTicks(low, high, most) {
    const raw = (high - low) / most;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++) ticks.push(Number((i * step).toPrecision(12)));
    return ticks;
  }
  function smoothed(values) {
    // The mean over a window around each step: unlike a fading mean it does not lag behind.
    const half = Math.max(2, Math.round(values.length / 50));
    return values.map((v, i) => {
      if (!Number.isFinite(v)) return NaN;
      const reach = Math.min(half, i, values.length - 1 - i);
      const window = values.slice(i - reach, i + reach + 1).filter(Number.isFinite);
      return window.reduce((sum, each) => sum + each, 0) / window.length;
    });
  }

  function chart(title, steps, series, range, kept) {
    const WIDTH = 400, HEIGHT = 190, LEFT = 52, RIGHT = 10, TOP = 10, BOTTOM = 26;
    const finite = series.flatMap((s) => s.values).filter(Number.isFinite);
    const card = element("div", "card");
    const last = series.length === 1 ? series[0].values.filter((v) => !Number.isNaN(v)).pop() : undefined;
    add(card, add(element("div", "chart-head"), element("h3", "", title), element("span", "last", last === undefined ? "" : "last " + format(last))));
    if (series.length > 1) {
      const legend = element("div", "legend");
      series.forEach((s, i) => {
        const item = element("span", "", s.name);
        item.style.setProperty("--swatch", COLORS[i % COLORS.length]);
        add(legend, item);
      });
      add(card, legend);
    }
    const unfinished = series.reduce((n, s) => n + s.values.broken.filter(Boolean).length, 0);
    if (!finite.length) return add(card, element("p", "note", "No finite value."));
    let low = Math.min(...finite), high = Math.max(...finite);
    if (range) { low = Math.min(low, range[0]); high = Math.max(high, range[1]); }
    if (low === high) { const pad = Math.abs(low) * 0.1 || 1; low -= pad; high += pad; }
    else if (!range) { const pad = (high - low) * 0.06; if (low < 0 || low - pad > 0) low -= pad; else low = 0; high += pad; }
    const first = steps[0], end = steps[steps.length - 1];
    const x = (s) => LEFT + (end === first ? 0.5 : (s - first) / (end - first)) * (WIDTH - LEFT - RIGHT);
    const y = (v) => TOP + (1 - (v - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title + " over steps" });
    for (const tick of niceTicks(low, high, 4)) {
      add(svg, shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
      add(svg, shape("text", { x: LEFT - 7, y: y(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    add(svg, shape("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
    const xTicks = end === first ? [first] : niceTicks(first, end, 5).filter(Number.isInteger);
    for (const tick of xTicks) add(svg, shape("text", { x: x(tick), y: HEIGHT - 8, "text-anchor": "middle" }, format(tick)));

    const evaluated = series.some((s) => s.evaluated);
    if (evaluated && kept !== undefined && kept >= first && kept <= end) {
      const right = x(kept) > WIDTH - 110;
      add(svg, shape("line", { class: "kept", x1: x(kept), x2: x(kept), y1: TOP, y2: HEIGHT - BOTTOM }));
      add(svg, shape("text", { class: "kept-name", x: x(kept) + (right ? -5 : 5), y: TOP + 10, "text-anchor": right ? "end" : "start" }, "kept: step " + whole(kept)));
    }

    function path(values, broken) {
      let d = "", pen = false;
      const dots = [];
      values.forEach((v, i) => {
        if (!Number.isFinite(v)) {
          // A metric taken now and then (an evaluation) is joined over the gap; a NaN is a break.
          if (broken[i]) pen = false;
          return;
        }
        d += (pen ? "L" : "M") + x(steps[i]).toFixed(1) + " " + y(v).toFixed(1);
        pen = true;
        dots.push(i);
      });
      return { d, dots };
    }
    series.forEach((s, i) => {
      const color = COLORS[i % COLORS.length];
      const drawn = path(s.values, s.values.broken);
      const many = drawn.dots.length > 60 && s.noisy;
      add(svg, shape("path", { class: many ? "raw faint" : "raw", d: drawn.d, style: "stroke:" + color }));
      if (many) add(svg, shape("path", { class: "smooth", d: path(smoothed(s.values), s.values.broken).d, style: "stroke:" + color }));
      if (drawn.dots.length <= 12) {
        for (const k of drawn.dots) add(svg, shape("circle", { cx: x(steps[k]), cy: y(s.values[k]), r: 2.5, style: "fill:" + color }));
      }
    });
    const cursor = shape("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
    const marks = series.map((s, i) => shape("circle", { r: 3.5, style: "fill:" + COLORS[i % COLORS.length], visibility: "hidden" }));
    add(svg, cursor, ...marks);
    const tip = element("div", "tip");
    tip.hidden = true;
    const plot = add(element("div", "plot"), svg, tip);

    function hide() {
      tip.hidden = true;
      cursor.setAttribute("visibility", "hidden");
      marks.forEach((m) => m.setAttribute("visibility", "hidden"));
    }
    function show(event) {
      const box = svg.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * WIDTH;
      let nearest = -1;
      steps.forEach((s, i) => {
        if (series.every((each) => Number.isNaN(each.values[i]) && !each.values.broken[i])) return;
        if (nearest < 0 || Math.abs(x(s) - at) < Math.abs(x(steps[nearest]) - at)) nearest = i;
      });
      if (nearest < 0) return;
      const px = x(steps[nearest]);
      cursor.setAttribute("x1", px);
      cursor.setAttribute("x2", px);
      cursor.setAttribute("visibility", "visible");
      tip.replaceChildren(element("div", "", "step " + format(steps[nearest])));
      series.forEach((s, i) => {
        const v = s.values[nearest];
        const on = Number.isFinite(v);
        marks[i].setAttribute("visibility", on ? "visible" : "hidden");
        if (on) { marks[i].setAttribute("cx", px); marks[i].setAttribute("cy", y(v)); }
        if (on || s.values.broken[nearest]) add(tip, element("div", "", (series.length > 1 ? s.name + " " : "") + format(v)));
      });
      tip.hidden = false;
      const left = (px / WIDTH) * box.width;
      const room = box.width - tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(room, left > box.width / 2 ? left - tip.offsetWidth - 10 : left + 10)) + "px";
    }
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", hide);
    add(card, plot);
    if (unfinished) add(card, element("p", "note", unfinished + (unfinished === 1 ? " value is" : " values are") + " not finite."));
    return card;
  }

  function seriesOf(metrics, key) {
    // null: not taken at that step. A name ("NaN", "Infinity"): taken, and not finite.
    const given = metrics.get(key);
    const values = given.map((v) => (v === null ? NaN : Number(v)));
    values.broken = given.map((v) => typeof v === "string");
    return { name: NAMES[key] || key, values, noisy: key !== "learning_rate", evaluated: key.startsWith("eval_") };
  }
  data.stages.forEach((stage, number) => {
    const metrics = new Map(stage.metrics);
    const steps = metrics.get("step");
    if (!steps) return;
    const numbers = steps.map(Number);
    let note = numbers.length + (numbers.length === 1 ? " point" : " points") + " from metrics.jsonl. Point at a curve for its values.";
    if (stage.averagedOver > 1) note += " Each point is the mean over " + stage.averagedOver + " steps.";
    if (stage.kept !== undefined) note += " The weights of step " + whole(stage.kept) + " were kept; evaluations mark it.";
    const place = section("Training: " + stage.name, note);
    const charts = element("div", "charts");
    const used = new Set(["step", "epoch"]);
    for (const known of KNOWN) {
      const keys = known.keys.filter((k) => metrics.has(k));
      keys.forEach((k) => used.add(k));
      if (keys.length) add(charts, chart(known.title, numbers, keys.map((k) => seriesOf(metrics, k)), known.range, stage.kept));
    }
    add(place, charts);
    const others = [...metrics.keys()].filter((k) => !used.has(k));
    if (others.length) {
      const more = element("details");
      const grid = element("div", "charts");
      add(more, element("summary", "", others.length === 1 ? "1 more metric" : others.length + " more metrics"), grid);
      for (const key of others) add(grid, chart(key, numbers, [seriesOf(metrics, key)], undefined, stage.kept));
      add(place, more);
    }
  });

  // --- tables ----------------------------------------------------------------------------------

  function table(rows, valueClass, shown) {
    const body = element("tbody");
    for (const [name, value] of rows) {
      add(body, add(element("tr"), element("th", "", name), element("td", valueClass, shown(value))));
    }
    return add(element("table"), body);
  }
  function titled(title, content) {
    const card = element("div", "card");
    const head = element("h3", "", title);
    head.style.marginBottom = "6px";
    return add(card, head, content);
  }
  if (data.counts.length || data.quarantine.length || data.warnings.length || data.remarks.length) {
    const place = section("Data");
    for (const sentence of data.warnings) {
      const box = add(element("p", "warning"), element("strong", "", "Mind:"));
      add(place, add(box, document.createTextNode(sentence)));
    }
    for (const sentence of data.remarks) add(place, element("p", "", sentence));
    const tables = element("div", "tables");
    if (data.counts.length) add(tables, titled("Counted", table(data.counts, "number", whole)));
    if (data.quarantine.length) {
      const body = element("tbody");
      for (const refusal of data.quarantine) {
        add(body, add(element("tr"), element("td", "", refusal.reason), element("td", "number", whole(refusal.rows)), element("td", "code", refusal.place)));
      }
      const head = add(element("thead"), add(element("tr"), element("th", "", "Reason"), element("th", "", "Rows"), element("th", "", "First at")));
      add(tables, titled("Quarantine: rows refused", add(element("table"), head, body)));
    } else {
      add(tables, titled("Quarantine", element("p", "note", "No row was refused.")));
    }
    add(place, tables);
  }
  if (data.timings.length) {
    const place = section("Time");
    const most = Math.max(...data.timings.map(([, s]) => s), 1e-9);
    const total = data.timings.reduce((sum, [, s]) => sum + s, 0);
    const body = element("tbody");
    for (const [phase, seconds] of data.timings) {
      const bar = element("div", "bar");
      bar.style.width = (100 * seconds) / most + "%";
      add(body, add(element("tr"), element("th", "", phase), element("td", "number", duration(seconds)), add(element("td"), bar)));
    }
    for (const row of body.children) { row.children[0].style.width = "35%"; row.children[1].style.width = "20%"; }
    add(place, add(element("div", "card"), add(element("table"), body), element("p", "note", "Together " + duration(total) + ".")));
  }
  if (data.configuration.length || data.provenance.length) {
    const place = section("Configuration and provenance");
    const tables = element("div", "tables");
    if (data.configuration.length) add(tables, titled("Configuration", table(data.configuration, "code", String)));
    if (data.provenance.length) add(tables, titled("Provenance", table(data.provenance, "code", String)));
    add(place, tables);
  }
})();
