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
  function shape(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
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
  // A titled section at the end of the page, with a link in the list of contents.
  function section(title, note) {
    const made = add(element("section"), element("h2", "", title));
    made.id = "section-" + ++sections;
    const link = element("a", "", title);
    link.href = "#" + made.id;
    contents.append(link);
    if (note) made.append(element("p", "note", note));
    main.append(made);
    return made;
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
  function labelled(label, control) {
    return add(element("label", "control"), element("span", "", label), control);
  }
  function button(text, onClick) {
    const made = element("button", "", text);
    made.type = "button";
    made.addEventListener("click", onClick);
    return made;
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
    const choice = element("input");
    choice.type = "radio";
    choice.name = "theme";
    choice.value = name;
    choice.checked = name === "";
    choice.addEventListener("change", () => {
      if (name) root.dataset.theme = name;
      else delete root.dataset.theme;
      repaint();
    });
    themes.append(add(element("label"), choice, element("span", "", words)));
  }
  document.querySelector("header").prepend(themes);
  document.querySelector("header").append(contents);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  // Paper is white, and shows what a screen hides.
  let unprinted;
  addEventListener("beforeprint", () => {
    const folded = [...document.querySelectorAll("details:not([open])")];
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

  return { data, main, element, add, shape, format, whole, percent, duration, section, card, table, labelled, button, onRepaint };
})();
