"use strict";
// The frame's part that all reports share. Every text of a run becomes a text node: none of it is
// ever parsed as markup, and nothing here sets style or on… attributes, which the page's own policy
// forbids.
const plumbline = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const root = document.documentElement;

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  // Adds elements, and texts as text nodes, and gives back the parent.
  function add(parent, ...children) {
    parent.append(...children);
    return parent;
  }

  // --- numbers ---------------------------------------------------------------------------------

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
    return text.replaceAll("-", "−");
  }
  function whole(value) {
    return Number(value).toLocaleString("en-US");
  }
  // A value with its standard error, which may be unknown.
  function within(value, error) {
    const known = [value, error].every((number) => number !== undefined && number !== null);
    return known ? format(value) + " ± " + format(error) : format(value);
  }
  function estimate(of) {
    return of ? within(of.mean, of.error) : "–";
  }
  function percent(share) {
    return format(Number((100 * Number(share)).toPrecision(3))) + " %";
  }
  function duration(seconds) {
    if (seconds < 60) return seconds.toFixed(1) + " s";
    const total = Math.round(seconds);
    const hours = Math.floor(total / 3600);
    const minutes = Math.floor((total % 3600) / 60);
    return (hours ? hours + " h " : "") + minutes + " min " + (total % 60) + " s";
  }

  // --- parts of a page -------------------------------------------------------------------------

  const contents = element("nav", "contents");
  contents.setAttribute("aria-label", "Contents");
  let sections = 0;
  function listed(made) {
    made.id = "section-" + ++sections;
    const link = element("a", "", made.querySelector("h2").textContent);
    link.href = "#" + made.id;
    contents.append(link);
    return made;
  }
  document.querySelectorAll("main > section").forEach(listed);
  // A titled section at the end of the page, with a link in the list of contents.
  function section(title, note) {
    const made = add(element("section"), element("h2", "", title));
    if (note) made.append(element("p", "note", note));
    main.append(made);
    return listed(made);
  }
  function card(title, ...content) {
    const made = element("div", "card");
    if (title) made.append(element("h3", "", title));
    return add(made, ...content);
  }
  // rows: lists of cells, each a text or an element; the first of a row is its head.
  function table(head, rows, classes) {
    const made = element("table");
    if (head) {
      const line = element("tr");
      head.forEach((name, i) => {
        const cell = element("th", (classes || [])[i] || "", name);
        cell.scope = "col";
        line.append(cell);
      });
      made.append(add(element("thead"), line));
    }
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      row.forEach((content, i) => {
        const cell = element(i === 0 ? "th" : "td", (classes || [])[i] || "");
        if (i === 0) cell.scope = "row";
        cell.append(content);
        line.append(cell);
      });
      body.append(line);
    }
    return add(element("div", "scroll"), add(made, body));
  }
  // A text of the data below what it is.
  function side(label, text, className) {
    const shown = text.trim() ? element("p", "text", text) : element("p", "text empty", text.length ? "only white space" : "nothing");
    return add(element("div", className), element("div", "label", label), shown);
  }
  function labelled(label, control) {
    return add(element("label", "control"), element("span", "", label), control);
  }
  function button(text, onClick) {
    const made = element("button", "", text);
    made.type = "button";
    made.addEventListener("click", onClick);
    return made;
  }

  function input(properties) {
    return Object.assign(element("input"), properties);
  }
  // options: [[value, words]].
  function choice(options) {
    return add(element("select"), ...options.map(([value, words]) => Object.assign(element("option", "", words), { value })));
  }

  // --- lists with search and filters --------------------------------------------------------------

  // A list of items with a search in their texts, and where they have them a choice and a range of
  // values. settings: what (the items' name); texts(item); measure and values(item) to filter by;
  // choices: [[words, keeps(item)]]; render(item, keeps(value)) makes an element, or frame(items) one
  // of all; page: how many are shown at first.
  function listOf(items, settings) {
    const page = settings.page || 10;
    const place = element("div", "list");
    const found = element("div", "found");
    const status = element("p", "note");
    status.setAttribute("role", "status");
    const search = input({ type: "search" });
    const bar = add(element("div", "toolbar"), labelled("Search", search));
    const choices = settings.choices || [];
    const choose = choice(choices.map(([words], i) => [i, words]));
    if (choices.length > 1) bar.append(labelled("Show", choose));
    const bounds = [input({ type: "number", step: "any" }), input({ type: "number", step: "any" })];
    const order = choice([["given", "As in the run"], ["high", "Highest first"], ["low", "Lowest first"]]);
    if (settings.measure && items.some((item) => settings.values(item).some(Number.isFinite))) {
      const name = settings.measure[0].toUpperCase() + settings.measure.slice(1);
      bar.append(labelled(name + " from", bounds[0]), labelled("to", bounds[1]), labelled("Order", order));
    }
    const more = button("Show more", () => show(shown + page));
    let kept = [], shown = 0, keeps;
    // "" is no bound, and neither is a number that is half typed.
    const bound = ({ value }, otherwise) => (value.trim() === "" || !Number.isFinite(Number(value)) ? otherwise : Number(value));
    function show(count) {
      if (settings.frame) found.replaceChildren(settings.frame(kept));
      else {
        if (count <= shown) found.replaceChildren();
        found.append(...kept.slice(count <= shown ? 0 : shown, count).map((item) => settings.render(item, keeps)));
      }
      shown = count;
      more.hidden = shown >= kept.length;
      status.textContent = kept.length === items.length ? whole(items.length) + " " + settings.what : whole(kept.length) + " of " + whole(items.length) + " " + settings.what;
    }
    function filter() {
      const words = search.value.toLowerCase().trim();
      const [from, to] = [bound(bounds[0], -Infinity), bound(bounds[1], Infinity)];
      const bounded = from > -Infinity || to < Infinity;
      const chosen = choices.length > 1 ? choices[Number(choose.value)][1] : () => true;
      keeps = (value) => !bounded || (value >= from && value <= to);
      kept = items.filter((item) => chosen(item)
        && (!words || settings.texts(item).some((text) => text.toLowerCase().includes(words)))
        && (!bounded || settings.values(item).some(keeps)));
      if (order.value === "high" || order.value === "low") {
        const sign = order.value === "high" ? -1 : 1;
        const best = (item) => {
          const values = settings.values(item).filter((value) => Number.isFinite(value) && keeps(value)).map((value) => sign * value);
          return values.length ? Math.min(...values) : Infinity;
        };
        const ranks = new Map(kept.map((item) => [item, best(item)]));
        kept.sort((a, b) => (ranks.get(a) < ranks.get(b) ? -1 : ranks.get(a) > ranks.get(b) ? 1 : 0));
      }
      found.replaceChildren();
      shown = 0;
      show(page);
    }
    for (const control of [search, ...bounds]) control.addEventListener("input", filter);
    for (const control of [choose, order]) control.addEventListener("change", filter);
    filter();
    return add(place, bar, status, found, more);
  }

  // --- light and dark --------------------------------------------------------------------------

  // Called after the colours have changed; canvases draw themselves anew.
  const repaints = [];
  function onRepaint(repaint) {
    repaints.push(repaint);
  }
  function repaint() {
    for (const each of repaints) each();
  }
  const themes = element("fieldset", "themes");
  themes.append(element("legend", "hidden", "Colours"));
  for (const [name, words] of [["", "System"], ["light", "Light"], ["dark", "Dark"]]) {
    const theme = input({ type: "radio", name: "theme", value: name, checked: name === "" });
    theme.addEventListener("change", () => {
      if (name) root.dataset.theme = name;
      else delete root.dataset.theme;
      repaint();
    });
    themes.append(add(element("label"), theme, element("span", "", words)));
  }
  document.querySelector("header").prepend(themes);
  document.querySelector("header").append(contents);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  // Paper is white, and shows what a screen hides.
  let unprinted;
  addEventListener("beforeprint", () => {
    const folded = [...document.querySelectorAll("details:not([open]):not(.meaning)")];
    unprinted = { theme: root.dataset.theme, folded };
    for (const details of folded) details.open = true;
    root.dataset.theme = "light";
    repaint();
  });
  addEventListener("afterprint", () => {
    if (!unprinted) return;
    for (const details of unprinted.folded) details.open = false;
    if (unprinted.theme) root.dataset.theme = unprinted.theme;
    else delete root.dataset.theme;
    unprinted = undefined;
    repaint();
  });

  return { data, element, add, format, whole, within, estimate, percent, duration, section, card, table, side, labelled, button, input, listOf, onRepaint };
})();
