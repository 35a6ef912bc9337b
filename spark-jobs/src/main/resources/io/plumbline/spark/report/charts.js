"use strict";
// The charts of all reports: curves over steps and histograms, drawn by uPlot. Values under the pointer
// in all charts of a group at once, zoom by dragging, pinching or keys, curves that can be hidden, and
// what a screen reader and a keyboard need. A color is the name of a CSS variable.
Object.assign(plumbline, (() => {
  const { element, add, format, whole, percent, button, input, labelled, onRepaint } = plumbline;
  const COLORS = ["--one", "--two", "--three", "--four"];
  const colorOf = (i) => COLORS[i % COLORS.length];
  const HEIGHT = 190;

  // --- what all charts share ----------------------------------------------------------------------

  function paint(made, variable) {
    made.style.setProperty("--color", `var(${variable})`);
    return made;
  }
  // entries: [name, color, kind], where the kind is "disc" or "ring" of points, and nothing of a line.
  function legend(entries) {
    return add(element("div", "legend"), ...entries.map(([name, variable, kind]) => paint(element("span", "swatch " + (kind || ""), name), variable)));
  }
  // A range that holds values with a little room, and does not begin below 0 for it.
  function around(low, high) {
    const pad = high - low <= Math.abs(high) * 1e-9 ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.06;
    return [low < 0 || low - pad > 0 ? low - pad : 0, high + pad];
  }
  // Draws when an element gets a width, and when it gets another one.
  function onWidth(made, draw) {
    let width = 0;
    new ResizeObserver(() => {
      const now = Math.floor(made.clientWidth);
      if (!now || now === width) return;
      width = now;
      draw(width);
    }).observe(made);
  }

  // A canvas knows no CSS variables; an element resolves them.
  const probe = element("span", "hidden");
  probe.setAttribute("aria-hidden", "true");
  document.body.append(probe);
  function color(variable, opacity) {
    probe.style.color = `var(${variable})`;
    const resolved = getComputedStyle(probe).color;
    return opacity === undefined ? resolved : resolved.replace(/^rgba?\(([^)]*)\)$/, (all, inside) => `rgba(${inside.split(/[ ,/]+/).slice(0, 3).join(", ")}, ${opacity})`);
  }

  const announcer = element("div", "hidden");
  announcer.setAttribute("aria-live", "polite");
  document.body.append(announcer);

  const all = [];
  onRepaint(() => all.forEach((each) => each.rebuild()));

  // --- a group of charts that share cursor, zoom and view -----------------------------------------

  // Curves of many points are smooth at first.
  function chartGroup(points = 0) {
    const charts = [];
    const group = { charts, smoothing: points > 60 ? 3 : 0, logarithmic: false };
    group.zoom = (min, max, from) => {
      for (const each of charts) if (each !== from) each.zoom(min, max);
      reset.disabled = !charts.some((each) => each.isZoomed());
    };
    group.point = (at, from) => {
      for (const each of charts) if (each !== from) each.point(at);
    };
    const reset = button("Reset zoom", () => charts.forEach((each) => each.zoomOut()));
    reset.disabled = true;
    const smoothing = input({ type: "range", min: 0, max: 10, value: group.smoothing });
    const logarithmic = input({ type: "checkbox" });
    for (const control of [smoothing, logarithmic]) {
      control.addEventListener("input", () => {
        group.smoothing = Number(smoothing.value);
        group.logarithmic = logarithmic.checked;
        charts.forEach((each) => each.rebuild());
      });
    }
    group.toolbar = add(element("div", "toolbar"), labelled("Smoothing", smoothing), labelled("Logarithmic", logarithmic), reset);
    return group;
  }

  // The mean over a window around each point: unlike a fading mean it does not lag behind.
  function smoothed(values, strength) {
    const taken = [];
    values.forEach((v, i) => { if (Number.isFinite(v)) taken.push(i); });
    const half = Math.max(1, Math.round((taken.length * strength) / 200));
    const sums = [0];
    for (const i of taken) sums.push(sums[sums.length - 1] + values[i]);
    const result = values.map((v) => (v === undefined ? undefined : null));
    taken.forEach((at, k) => {
      const reach = Math.min(half, k, taken.length - 1 - k);
      result[at] = (sums[k + reach + 1] - sums[k - reach]) / (2 * reach + 1);
    });
    return result;
  }

  // --- one chart --------------------------------------------------------------------------------

  // description: title; note (text); x (ascending numbers); xName(i) (text of a place);
  // xTick(value) (text of a tick); series: [{name, values, least, greatest, smooth}], where a value is
  // a number, undefined (not taken) or null (not a finite number); range: [low, high] that is always
  // shown; marks: [{x, text}]; stepped: bars of a histogram; meaning: [[name, sentence]].
  function chart(description, group) {
    const { title, x, series } = description;
    const card = element("div", "card chart");
    const heading = element("h3", "", title);
    const readout = element("span", "last");
    card.append(add(element("div", "chart-head"), heading, readout));
    const shown = series.map(() => true);
    if (series.length > 1) {
      const toggles = element("div", "legend");
      series.forEach((each, i) => {
        const toggle = button(each.name, () => {
          shown[i] = !shown[i];
          toggle.setAttribute("aria-pressed", shown[i]);
          rebuild();
        });
        toggle.className = "swatch";
        paint(toggle, colorOf(i));
        toggle.setAttribute("aria-pressed", "true");
        toggles.append(toggle);
      });
      card.append(toggles);
    }
    const plot = element("div", "plot");
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-roledescription", "chart");
    const tip = element("div", "tip");
    tip.hidden = true;
    plot.append(tip);
    card.append(plot);
    if (description.note) card.append(element("p", "note", description.note));
    if (description.meaning && description.meaning.length) {
      const about = element("details", "meaning");
      about.append(element("summary", "", "What this says"));
      for (const [name, sentence] of description.meaning) about.append(add(element("p"), element("code", "", name), " " + sentence));
      card.append(about);
    }

    const finite = series.flatMap((each) => each.values).filter(Number.isFinite);
    const first = x[0], last = x[x.length - 1];
    const widest = first === last ? [first - 0.5, last + 0.5] : [first, last];
    let window = widest;
    const lasts = series.map((each) => each.values.filter(Number.isFinite).pop());
    const plainReadout = description.stepped ? "" : series.length === 1 ? "last " + format(lasts[0]) : "";
    readout.textContent = plainReadout;
    plot.setAttribute("aria-label", title + ": " + series.map((each, i) => {
      const values = each.values.filter(Number.isFinite);
      if (!values.length) return each.name + " has no finite value";
      if (description.stepped) return each.name;
      let [low, high] = [values[0], values[0]];
      for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
      return each.name + " from " + format(values[0]) + " to " + format(lasts[i]) + ", least " + format(low) + ", greatest " + format(high);
    }).join("; ") + ". Arrow keys move, plus and minus zoom, Escape shows all.");
    if (!finite.length) {
      plot.replaceWith(element("p", "note", "No finite value."));
      return card;
    }

    let drawn, width = 0, place = -1, hovered = false;
    const self = { card, rebuild, zoom, point, zoomOut: () => setWindow(widest, true), isZoomed: () => window !== widest };
    all.push(self);
    group.charts.push(self);

    function isLogarithmic() {
      return group.logarithmic && !description.stepped && finite.every((v) => v > 0);
    }
    // All that is drawn for a series: the spread of thinned points, the values, and their smooth course.
    function layers() {
      const data = [x], styles = [{}], bands = [];
      series.forEach((each, i) => {
        const variable = colorOf(i);
        const show = shown[i];
        const smooth = group.smoothing > 0 && each.smooth && each.values.filter(Number.isFinite).length > 10;
        if (each.least && each.least.length) {
          const quiet = { show, stroke: "transparent", width: 0, points: { show: false } };
          data.push(each.greatest, each.least);
          styles.push({ ...quiet, layer: "spread" }, { ...quiet, layer: "spread" });
          bands.push({ series: [data.length - 2, data.length - 1], fill: color(variable, 0.18) });
        }
        const few = each.values.filter(Number.isFinite).length <= 12;
        const style = { show, of: i, stroke: color(variable, smooth ? 0.3 : 1), width: smooth ? 1 : 1.75, points: { show: few && !description.stepped, size: 6, fill: color(variable), stroke: color(variable) } };
        if (description.stepped) {
          style.paths = uPlot.paths.stepped({ align: 1 });
          style.fill = color(variable, 0.2);
        }
        data.push(each.values);
        styles.push(style);
        if (smooth) {
          data.push(smoothed(each.values, group.smoothing));
          styles.push({ show, stroke: color(variable), width: 2, points: { show: false } });
        }
      });
      return { data, styles, bands };
    }
    function yRange(u, low, high) {
      if (low === null || high === null) [low, high] = [0, 1];
      if (isLogarithmic()) return uPlot.rangeLog(low, high, 10, false);
      if (description.range) return [Math.min(low, description.range[0]), Math.max(high, description.range[1])];
      if (description.stepped) return [0, high * 1.06 || 1];
      return around(low, high);
    }
    function drawMarks(u) {
      for (const mark of description.marks || []) {
        if (mark.x < u.scales.x.min || mark.x > u.scales.x.max) continue;
        const at = Math.round(u.valToPos(mark.x, "x", true)), { top, height, left, width: wide } = u.bbox, ratio = devicePixelRatio;
        const context = u.ctx;
        context.save();
        context.strokeStyle = context.fillStyle = color("--good");
        context.lineWidth = ratio;
        context.setLineDash([6 * ratio, 3 * ratio]);
        context.beginPath();
        context.moveTo(at, top);
        context.lineTo(at, top + height);
        context.stroke();
        context.font = `${11 * ratio}px system-ui, sans-serif`;
        const right = at > left + wide - 110 * ratio;
        context.textAlign = right ? "right" : "left";
        context.fillText(mark.text, at + (right ? -5 : 5) * ratio, top + 11 * ratio);
        context.restore();
      }
    }
    function build() {
      const { data, styles, bands } = layers();
      const axis = { stroke: color("--soft"), grid: { stroke: color("--grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
      const log = isLogarithmic();
      const options = {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [10, 12, 0, 0],
        scales: { x: { time: false, range: () => window }, y: { distr: log ? 3 : 1, range: yRange } },
        axes: [
          { ...axis, size: 26, gap: 4, grid: { show: false }, incrs: description.stepped ? undefined : [1, 2, 5].flatMap((m) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((e) => m * 10 ** e)).sort((a, b) => a - b), values: (u, ticks) => ticks.map(description.xTick || format) },
          { ...axis, size: 54, gap: 4, values: (u, ticks) => ticks.map((tick) => (tick === null ? "" : format(tick))) },
        ],
        series: styles,
        bands,
        cursor: {
          drag: { x: true, y: false, setScale: false },
          points: { size: (u, i) => (styles[i].of === undefined ? 0 : 7) },
          dataIdx: (u, i, at) => at,
          bind: { dblclick: () => () => { setWindow(widest, true); return null; } },
        },
        hooks: {
          setCursor: [() => moved()],
          setSelect: [(u) => {
            if (u.select.width < 5) return;
            const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            setWindow([from, to], true);
          }],
          draw: [drawMarks],
        },
      };
      drawn = new uPlot(options, data, plot);
      drawn.over.addEventListener("pointerenter", () => { hovered = true; });
      drawn.over.addEventListener("pointerleave", () => { hovered = false; if (!plot.matches(":focus-visible")) hide(true); });
      touch(drawn.over);
    }
    function rebuild() {
      if (!width) return;
      if (drawn) drawn.destroy();
      build();
    }
    onWidth(plot, (now) => {
      width = now;
      if (drawn) drawn.setSize({ width, height: HEIGHT });
      else build();
    });

    // --- zoom

    function setWindow([from, to], tell) {
      const least = (last - first) / Math.max(1, x.length - 1) || 1;
      from = Math.max(widest[0], from);
      to = Math.min(widest[1], to);
      if (to - from < least) return;
      window = from <= widest[0] && to >= widest[1] ? widest : [from, to];
      if (drawn) drawn.setScale("x", { min: window[0], max: window[1] });
      if (tell) group.zoom(window[0], window[1], self);
    }
    function zoom(min, max) {
      setWindow([min, max], false);
    }
    function zoomAround(center, factor) {
      setWindow([center - (center - window[0]) * factor, center + (window[1] - center) * factor], true);
    }

    // --- values under the cursor

    function hide(tell) {
      tip.hidden = true;
      readout.textContent = plainReadout;
      place = -1;
      if (drawn) drawn.setCursor({ left: -10, top: -10 }, false);
      if (tell) group.point(undefined, self);
    }
    function nearest(value) {
      let best = -1;
      x.forEach((at, i) => {
        if (series.every((each, k) => !shown[k] || each.values[i] === undefined)) return;
        if (best < 0 || Math.abs(at - value) < Math.abs(x[best] - value)) best = i;
      });
      return best;
    }
    function valueOf(each, at) {
      const value = each.values[at];
      if (value === null) return "not a finite number";
      const spread = each.least && each.least.length && each.least[at] !== each.greatest[at];
      return (description.stepped ? percent(value) : format(value)) + (spread ? ` (${format(each.least[at])} … ${format(each.greatest[at])})` : "");
    }
    function lines(at) {
      const said = [];
      series.forEach((each, k) => {
        if (!shown[k] || each.values[at] === undefined) return;
        said.push([k, (series.length > 1 ? each.name + " " : "") + valueOf(each, at)]);
      });
      return said;
    }
    function moved() {
      if (!drawn || drawn.cursor.left < 0 || drawn.cursor.idx === null || drawn.cursor.idx === undefined) return;
      const at = nearest(drawn.posToVal(drawn.cursor.left, "x"));
      if (at < 0) return;
      place = at;
      showTip(at);
      group.point(x[at], self);
    }
    function showTip(at) {
      tip.replaceChildren(element("div", "", description.xName(at)));
      for (const [k, text] of lines(at)) {
        tip.append(paint(element("div", "swatch", text), colorOf(k)));
      }
      tip.hidden = false;
      const left = drawn.valToPos(x[at], "x") + drawn.over.offsetLeft, room = plot.clientWidth - tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(room, left > plot.clientWidth / 2 ? left - tip.offsetWidth - 12 : left + 12)) + "px";
    }
    // Another chart of the group has its cursor there.
    function point(value) {
      if (value === undefined || !drawn) {
        hide(false);
        return;
      }
      const at = nearest(value);
      if (at < 0 || x[at] < window[0] || x[at] > window[1]) return;
      tip.hidden = true;
      place = at;
      drawn.setCursor({ left: drawn.valToPos(x[at], "x"), top: drawn.over.clientHeight / 2 }, false);
      readout.textContent = lines(at).map(([, text]) => text).join(", ");
    }
    function goTo(at) {
      place = Math.max(0, Math.min(x.length - 1, at));
      if (x[place] < window[0] || x[place] > window[1]) {
        const half = (window[1] - window[0]) / 2;
        const center = Math.max(widest[0] + half, Math.min(widest[1] - half, x[place]));
        setWindow([center - half, center + half], true);
      }
      drawn.setCursor({ left: drawn.valToPos(x[place], "x"), top: drawn.over.clientHeight / 2 }, false);
      showTip(place);
      group.point(x[place], self);
      announcer.textContent = [description.xName(place), ...lines(place).map(([, text]) => text)].join(", ");
    }
    // The next place in a direction at which a curve that is shown has a value.
    function next(from, step) {
      for (let at = from + step; at >= 0 && at < x.length; at += step) {
        if (series.some((each, k) => shown[k] && each.values[at] !== undefined)) return at;
      }
      return from;
    }
    plot.addEventListener("keydown", (event) => {
      if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return;
      const center = place >= 0 ? x[place] : (window[0] + window[1]) / 2;
      const stride = event.shiftKey ? 10 : 1;
      let from = place < 0 ? -1 : place;
      if (event.key === "ArrowRight") { for (let i = 0; i < stride; i++) from = next(from, 1); goTo(Math.max(0, from)); }
      else if (event.key === "ArrowLeft") { if (from < 0) from = x.length; for (let i = 0; i < stride; i++) from = next(from, -1); goTo(from); }
      else if (event.key === "Home") goTo(next(-1, 1));
      else if (event.key === "End") goTo(next(x.length, -1));
      else if (event.key === "+" || event.key === "=") zoomAround(center, 0.5);
      else if (event.key === "-") zoomAround(center, 2);
      else if (event.key === "Escape" || event.key === "0") { setWindow(widest, true); hide(true); }
      else return;
      event.preventDefault();
    });
    plot.addEventListener("blur", () => { if (!hovered) hide(true); });

    // --- touch: one finger reads values, two fingers zoom; moving up and down scrolls the page

    function touch(over) {
      const fingers = new Map();
      let start;
      const position = (event) => event.clientX - over.getBoundingClientRect().left;
      over.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "touch") return;
        fingers.set(event.pointerId, position(event));
        if (fingers.size === 2) start = { at: [...fingers.values()].sort((a, b) => a - b).map((left) => drawn.posToVal(left, "x")) };
      });
      over.addEventListener("pointermove", (event) => {
        if (event.pointerType !== "touch" || !fingers.has(event.pointerId)) return;
        fingers.set(event.pointerId, position(event));
        if (fingers.size === 1) {
          drawn.setCursor({ left: position(event), top: over.clientHeight / 2 });
        } else if (fingers.size === 2) {
          // What was under each finger stays under it.
          const [a, b] = [...fingers.values()].sort((p, q) => p - q);
          if (b - a < 10) return;
          const perPixel = (start.at[1] - start.at[0]) / (b - a);
          setWindow([start.at[0] - a * perPixel, start.at[0] + (over.clientWidth - a) * perPixel], true);
        }
      });
      for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
    return card;
  }

  // --- kinds of charts ----------------------------------------------------------------------------

  // A chart of metrics over steps, from what Curves.java makes. settings: title; metrics; nameOf(metric)
  // in the legend; range, marks and meaning as above.
  function overSteps({ first, last, curves }, { title, metrics, nameOf = String, range, marks, meaning }, group) {
    // null: not taken at that step, which a curve passes over. A name ("NaN", "Infinity"): taken, and
    // not finite, which breaks it.
    const valueAt = (given) => (given === null ? undefined : typeof given === "string" ? null : given);
    const used = metrics.map((metric) => curves.find((curve) => curve.metric === metric));
    const strange = used.reduce((n, curve) => n + curve.notFinite, 0);
    return chart({
      title,
      x: last,
      xName: (i) => (first[i] === last[i] ? "step " + whole(last[i]) : `steps ${whole(first[i])}–${whole(last[i])}`),
      range,
      note: strange ? whole(strange) + (strange === 1 ? " value is" : " values are") + " not finite." : undefined,
      series: used.map((curve) => ({
        name: nameOf(curve.metric),
        values: curve.mean.map(valueAt),
        least: curve.least.map(valueAt),
        greatest: curve.greatest.map(valueAt),
        smooth: curve.metric !== "learning_rate" && curve.metric !== "lr",
      })),
      marks,
      meaning,
    }, group);
  }

  // A histogram of groups that share their bins, as Histogram.java makes it.
  function histogram(given, group) {
    const edges = given.edges.map(Number);
    const inner = edges.slice(1, -1);
    const even = edges.every(Number.isFinite) && edges.every((e, i) => i < 2 || Math.abs(e - edges[i - 1] - (edges[1] - edges[0])) < 1e-6 * (edges[1] - edges[0]) + 1e-9);
    const between = (i) => (!Number.isFinite(edges[i]) ? "below " + format(inner[0]) : !Number.isFinite(edges[i + 1]) ? "above " + format(edges[i]) : format(edges[i]) + " to " + format(edges[i + 1]));
    const x = even ? edges : edges.map((e, i) => i);
    // The last edge repeats the last share, so that its bar has a width.
    const closed = (shares) => [...shares, shares[shares.length - 1]];
    const least = Math.min(...given.groups.map((each) => each.values));
    return chart({
      title: given.title,
      x,
      xName: (i) => between(Math.min(i, edges.length - 2)),
      xTick: even ? undefined : (value) => (Number.isInteger(value) && Number.isFinite(edges[value]) ? format(edges[value]) : ""),
      series: given.groups.map((each) => ({ name: `${each.name} (${whole(each.values)})`, values: closed(each.shares) })),
      stepped: true,
      note: least < 20 ? "Few values: the shape says little." : undefined,
      meaning: [["", given.meaning]],
    }, group);
  }

  // A bar for a share of the longest one.
  function bar(share) {
    const made = element("div", "bar");
    made.style.width = 100 * share + "%";
    return made;
  }

  return { chartGroup, overSteps, histogram, bar, legend, colorOf, paint, around, onWidth };
})());
