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
      if (sample.chosen !== undefined) add(sides, side("Preferred", sample.chosen, ""));
      if (sample.rejected !== undefined) add(sides, side("Rejected", sample.rejected, ""));
      add(i < FIRST ? place : rest, add(element("article", "card sample"), side("Prompt", sample.prompt, ""), sides));
    });
    if (data.samples.length > FIRST) add(place, rest);
  }

  // --- charts ----------------------------------------------------------------------------------

  const KNOWN = [
    { title: "Loss", keys: ["loss", "eval_loss"] },
    { title: "Reward margin", keys: ["rewards/margins", "eval_rewards/margins"] },
    { title: "Reward accuracy", keys: ["rewards/accuracies", "eval_rewards/accuracies"], range: [0, 1] },
    { title: "Implicit rewards", keys: ["rewards/chosen", "rewards/rejected"] },
    { title: "Log-probabilities", keys: ["logps/chosen", "logps/rejected"] },
    { title: "Token accuracy", keys: ["mean_token_accuracy", "eval_mean_token_accuracy"], range: [0, 1] },
    { title: "Gradient norm before clipping", keys: ["grad_norm"] },
    { title: "Learning rate", keys: ["learning_rate"] },
    { title: "Throughput, tokens/s", keys: ["tokens_per_second", "tokens/s"] },
    { title: "Seconds a step", keys: ["step_time", "step_seconds", "seconds"] },
  ];
  const NAMES = {
    "rewards/chosen": "chosen", "rewards/rejected": "rejected", "logps/chosen": "chosen", "logps/rejected": "rejected",
  };
  const COLORS = ["var(--one)", "var(--two)"];

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

  function chart(title, steps, series, range) {
    const WIDTH = 400, HEIGHT = 190, LEFT = 52, RIGHT = 10, TOP = 10, BOTTOM = 26;
    const finite = series.flatMap((s) => s.values).filter(Number.isFinite);
    const card = element("div", "card");
    const last = series.length === 1 ? series[0].values.filter((v) => !Number.isNaN(v)).pop() : undefined;
    add(card, add(element("div", "chart-head"), element("h3", "", title), element("span", "last", last === undefined ? "" : "last " + format(last))));
    if (series.length > 1) {
      const legend = element("div", "legend");
      series.forEach((s, i) => {
        const item = element("span", "", s.name);
        item.style.setProperty("--swatch", COLORS[i % 2]);
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
      const color = COLORS[i % 2];
      const drawn = path(s.values, s.values.broken);
      const many = drawn.dots.length > 60 && s.noisy;
      add(svg, shape("path", { class: many ? "raw faint" : "raw", d: drawn.d, style: "stroke:" + color }));
      if (many) add(svg, shape("path", { class: "smooth", d: path(smoothed(s.values), s.values.broken).d, style: "stroke:" + color }));
      if (drawn.dots.length <= 12) {
        for (const k of drawn.dots) add(svg, shape("circle", { cx: x(steps[k]), cy: y(s.values[k]), r: 2.5, style: "fill:" + color }));
      }
    });
    const cursor = shape("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
    const marks = series.map((s, i) => shape("circle", { r: 3.5, style: "fill:" + COLORS[i % 2], visibility: "hidden" }));
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
    return { name: NAMES[key] || key, values, noisy: key !== "learning_rate" };
  }
  data.stages.forEach((stage, number) => {
    const metrics = new Map(stage.metrics);
    const steps = metrics.get("step");
    if (!steps) return;
    const numbers = steps.map(Number);
    let note = numbers.length + (numbers.length === 1 ? " point" : " points") + " from metrics.jsonl. Point at a curve for its values.";
    if (stage.averagedOver > 1) note += " Each point is the mean over " + stage.averagedOver + " steps.";
    const place = section("Training: " + stage.name, note);
    const charts = element("div", "charts");
    const used = new Set(["step", "epoch"]);
    for (const known of KNOWN) {
      const keys = known.keys.filter((k) => metrics.has(k));
      keys.forEach((k) => used.add(k));
      if (keys.length) add(charts, chart(known.title, numbers, keys.map((k) => seriesOf(metrics, k)), known.range));
    }
    add(place, charts);
    const others = [...metrics.keys()].filter((k) => !used.has(k));
    if (others.length) {
      const more = element("details");
      const grid = element("div", "charts");
      add(more, element("summary", "", others.length === 1 ? "1 more metric" : others.length + " more metrics"), grid);
      for (const key of others) add(grid, chart(key, numbers, [seriesOf(metrics, key)]));
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
  if (data.counts.length || data.quarantine.length) {
    const place = section("Data");
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
