// Small SVG charts. Everything is made by createElementNS and textContent: never from markup.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 34, RIGHT = 6, TOP = 8, BOTTOM = 18;

export function element(parent, tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

const short = (value) =>
  value >= 1e6 ? `${+(value / 1e6).toPrecision(3)}M`
  : value >= 1e4 ? `${+(value / 1e3).toPrecision(3)}k`
  : `${+value.toPrecision(3)}`;

function ceiling(value) {
  if (!(value > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((m) => m * step).find((top) => top >= value);
}

export function ago(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

function frame(svg, at) {
  const width = Math.max(svg.clientWidth, 120), height = Number(svg.getAttribute("height"));
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const first = at[0] ?? 0, last = at[at.length - 1] ?? 1;
  const x = (t) => LEFT + ((t - first) / Math.max(last - first, 1e-9)) * (width - LEFT - RIGHT);
  return { width, height, first, last, x };
}

// Runs of points that are there: a gap stays a gap.
function runs(at, values) {
  const found = [];
  let run = null;
  values.forEach((value, i) => {
    if (value === null || value === undefined) { run = null; return; }
    if (!run) found.push((run = []));
    run.push([at[i], value]);
  });
  return found;
}

// series: [{name, values, look, area}]; top: fixed upper end, or found from the values.
export function lines(svg, at, series, { top, describe }) {
  const { width, height, first, last, x } = frame(svg, at);
  const most = top ?? ceiling(Math.max(...series.flatMap((s) => s.values.map((v) => v ?? 0)), 0));
  const y = (v) => TOP + (1 - Math.min(v / most, 1)) * (height - TOP - BOTTOM);
  for (const part of [0, 0.5, 1]) {
    element(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(part * most), y2: y(part * most) });
    element(svg, "text", { x: LEFT - 5, y: y(part * most) + 4, "text-anchor": "end" }, short(part * most));
  }
  element(svg, "text", { x: LEFT, y: height - 4 }, at.length ? `${ago(last - first)} ago` : "");
  element(svg, "text", { x: width - RIGHT, y: height - 4, "text-anchor": "end" }, "now");
  for (const { values, look, area, name } of series) {
    for (const run of runs(at, values)) {
      const path = run.map(([t, v], i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");
      if (area) {
        const end = `L${x(run[run.length - 1][0]).toFixed(1)} ${y(0)}L${x(run[0][0]).toFixed(1)} ${y(0)}Z`;
        element(svg, "path", { class: `area ${look}`, d: path + end });
      }
      const drawn = run.length > 1 ? path : `${path}h1`;
      element(svg, "path", { class: `line ${look}`, d: drawn, "data-series": name, fill: "none" });
    }
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", describe);
  return { at, x, height };
}

// Follow a finger or a pointer: tell the index of the nearest point, null when it leaves.
export function follow(svg, current, tell) {
  const leave = () => { svg.querySelector(".cursor")?.remove(); tell(null); };
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    const chart = current();
    if (!chart || !chart.at.length) return;
    const where = event.clientX - svg.getBoundingClientRect().left;
    let best = 0;
    chart.at.forEach((t, i) => { if (Math.abs(chart.x(t) - where) < Math.abs(chart.x(chart.at[best]) - where)) best = i; });
    svg.querySelector(".cursor")?.remove();
    const x = chart.x(chart.at[best]);
    element(svg, "line", { class: "cursor", x1: x, x2: x, y1: TOP, y2: chart.height - BOTTOM });
    tell(best);
  });
}

const SHAPES = {
  split: (x, y) => `M${x} ${y - 6}L${x + 6} ${y + 5}L${x - 6} ${y + 5}Z`,
  merge: (x, y) => `M${x} ${y + 6}L${x + 6} ${y - 5}L${x - 6} ${y - 5}Z`,
  rebuild: (x, y) => `M${x - 5} ${y - 5}h10v10h-10Z`,
  swap: (x, y) => `M${x} ${y - 5.5}L${x + 5.5} ${y}L${x} ${y + 5.5}L${x - 5.5} ${y}Z`,
  drift: (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z`,
};

export function mark(svg, kind, x, y, said) {
  const known = kind in SHAPES ? kind : "rebuild";
  const made = element(svg, "path", { class: `mark-${known}`, d: SHAPES[known](x, y) });
  if (said) element(made, "title", {}, said);
}

// Changes above, drifts below, on the time axis of the chart above it.
export function timeline(svg, at, changes, drifts, say) {
  const { width, first, last, x } = frame(svg, at);
  const rows = [[changes, 13], [drifts, 34]];
  for (const [marks, y] of rows) {
    element(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y });
    for (const one of marks) {
      if (one.at >= first && one.at <= last) mark(svg, one.kind, x(one.at), y, say(one));
    }
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${changes.length} structure changes and ${drifts.length} drifts shown`);
}
