"use strict";
// The charts of all reports: planes of points, drawn as SVG.
Object.assign(plumbline, (() => {
  const { add, element, format, percent, estimate, paint, around, onWidth } = plumbline;

  function shape(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // A plane of points and lines. description: label (what a screen reader says); x and y: {name, range
  // (around the values without it), format of ticks}; lines: [{points: [[x, y]], color, dashed}], which
  // may end at Infinity; points: [{x, y, xSpan and ySpan: [from, to] of its bars, radius, color, hollow,
  // name (stands beside it), title}], of which those without a finite place are left out.
  function plane({ points, ...description }) {
    const made = element("div", "plane");
    const placed = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
    onWidth(made, (width) => made.replaceChildren(drawnPlane({ ...description, points: placed }, width)));
    return made;
  }
  function axis({ range, format: words = format }, values, from, to) {
    const known = values.filter(Number.isFinite);
    const [low, high] = range || around(Math.min(...known), Math.max(...known));
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((size) => size >= rough * (1 - 1e-9));
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(Number((i * step).toPrecision(6)));
    // What is outside of the range stands at its edge.
    const at = (value) => Number((from + ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (to - from)).toFixed(1));
    return { at, ticks: ticks.map((tick) => [at(tick), words(tick)]) };
  }
  function drawnPlane({ label, x, y, lines, points }, width) {
    const height = Math.round(Math.min(440, Math.max(260, width * 0.62)));
    const [left, right, top, bottom] = [54, width - 16, 26, height - 42];
    const values = (k, span) => [...lines.flatMap((line) => line.points.map((point) => point[k])), ...points.flatMap((point) => point[span] || [point["xy"[k]]])];
    const across = axis(x, values(0, "xSpan"), left, right), up = axis(y, values(1, "ySpan"), bottom, top);
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    const text = (words, place, anchor, className) => add(svg, shape("text", { ...place, "text-anchor": anchor, class: className || "" }, words));
    const line = (className, [x1, x2], [y1, y2]) => shape("line", { class: className, x1, x2, y1, y2 });
    for (const [at, words] of up.ticks) {
      add(svg, line("grid", [left, right], [at, at]));
      text(words, { x: left - 7, y: at + 4 }, "end");
    }
    for (const [at, words] of across.ticks) {
      add(svg, line("grid", [at, at], [top, bottom]));
      text(words, { x: at, y: bottom + 17 }, "middle");
    }
    text(x.name, { x: right, y: height - 6 }, "end");
    text(y.name, { x: 4, y: 14 }, "start");
    for (const each of lines) {
      const path = each.points.map(([px, py], i) => `${i ? "L" : "M"}${across.at(px)} ${up.at(py)}`).join("");
      add(svg, paint(shape("path", { class: each.dashed ? "line dashed" : "line", d: path }), each.color));
    }
    const taken = [];
    for (const point of points) {
      const cx = across.at(point.x), cy = up.at(point.y);
      if (point.xSpan) add(svg, paint(line("stem", point.xSpan.map(across.at), [cy, cy]), point.color));
      if (point.ySpan) add(svg, paint(line("stem", [cx, cx], point.ySpan.map(up.at)), point.color));
      const dot = shape("circle", { class: point.hollow ? "dot hollow" : "dot", cx, cy, r: (point.radius || 5).toFixed(1) });
      add(svg, paint(add(dot, shape("title", {}, point.title)), point.color));
      if (!point.name) continue;
      const letters = [...point.name], name = letters.length > 28 ? letters.slice(0, 27).join("") + "…" : point.name;
      const wide = 7 * [...name].length, turned = cx + 10 + wide > width, begin = turned ? cx - 10 - wide : cx + 10;
      // Names of neighbours would cover each other: each goes down until it is free.
      let labelY = Math.max(top + 11, cy - 8), hit;
      while ((hit = taken.find((other) => Math.abs(other.y - labelY) < 14 && other.begin < begin + wide && begin < other.begin + other.wide))) labelY = hit.y + 14;
      taken.push({ begin, wide, y: labelY });
      text(name, { x: turned ? cx - 10 : cx + 10, y: labelY }, turned ? "end" : "start", "name");
    }
    return svg;
  }

  // Policies in the plane of reward over KL, which is never below 0. points: [{name, kl, reward, color,
  // hollow}], where kl and reward are {mean, error}; the rest as in a plane.
  function rewardOverKl({ points, ...description }) {
    const span = ({ mean, error }, least) => (error ? [Math.max(least, mean - error), Math.max(least, mean + error)] : undefined);
    return plane({
      ...description,
      points: points.map(({ kl, reward, ...point }) => ({
        ...point,
        x: Math.max(0, kl.mean),
        y: reward.mean,
        xSpan: span(kl, 0),
        ySpan: span(reward, -Infinity),
        title: `${point.name}: reward ${estimate(reward)}, KL ${estimate(kl)}`,
      })),
    });
  }

  // A reliability diagram: how often one side won, over how probable that was said to be. groups: [{name,
  // bins, color, hollow}], where a bin is a dot that grows with its share.
  function reliability({ label, x, y, groups }) {
    const points = groups.flatMap(({ name, bins, color: variable, hollow }) => bins.map((bin) => {
      const [predicted, observed] = [Number(bin.predicted), Number(bin.observed)];
      return {
        x: predicted, y: observed, ySpan: hollow ? undefined : [observed, predicted], radius: 3 + 11 * Math.sqrt(Number(bin.share)), color: variable, hollow,
        title: `${name}: ${percent(bin.share)} of pairs, predicted ${percent(predicted)}, right in ${percent(observed)}`,
      };
    }));
    return plane({
      label,
      x: { name: x, range: [0.5, 1], format: percent },
      y: { name: y, range: [0, 1], format: percent },
      lines: [{ points: [[0.5, 0.5], [1, 1]], color: "--soft", dashed: true }],
      points,
    });
  }

  return { rewardOverKl, reliability };
})());
