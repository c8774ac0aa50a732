// The live page: fetches state.json again and again and redraws what changed.
// Names come from the stream: they are only ever set as textContent.

import { ago, element, follow, lines, mark, timeline } from "./charts.js";

const EVERY = 2000;
const $ = (id) => document.getElementById(id);
const count = (n) => Math.round(n).toLocaleString("en-US");
const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
const STATES = { stable: "stable", recent: "drifted earlier", drifting: "drifting", new: "new cluster" };

let state = null, span = "recent", drawn = {}, lastSeen = 0;

function make(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// Redraw a part only where its data changed, so that nothing moves under the reader.
const before = {};
function changed(name, data) {
  const now = JSON.stringify(data);
  if (before[name] === now) return false;
  before[name] = now;
  return true;
}

function showVerdicts() {
  for (const [name, verdict] of Object.entries(state.verdicts)) {
    const card = $(name);
    card.dataset.state = verdict.state;
    card.querySelector(".word").textContent = verdict.word;
    card.querySelector(".sentence").textContent = verdict.sentence;
  }
}

function legend(id, items) {
  const into = $(id);
  into.replaceChildren();
  for (const { look, name, value, kind } of items) {
    const item = make(into, "span");
    const svg = element(item, "svg", { width: 16, height: 14, "aria-hidden": "true" });
    if (kind) mark(svg, kind, 8, 7);
    else element(svg, "path", { class: `line ${look}`, d: "M1 7h14", "stroke-width": 2.5 });
    make(item, "span", "", name);
    if (value !== undefined) make(item, "b", "", value);
  }
}

const last = (values) => values[values.length - 1];

function chart(id, series, options, show) {
  const past = state.history[span];
  drawn[id] = { ...lines($(id), past.at, series, options), series };
  const at = (i) => series.map((s) => ({
    look: s.look, name: s.name, value: show(i === null ? last(s.values) : s.values[i]),
  }));
  drawn[id].tell = (i) => legend(`${id}-legend`, at(i));
  drawn[id].tell(null);
}

function showCharts() {
  const past = state.history[span];
  const base = Object.entries(state.baselines).sort((a, b) => b[1] - a[1])[0];
  chart("quality", [
    { name: base ? `best baseline (${base[0]})` : "best baseline", values: past.baseline, look: "three" },
    { name: "exact match", values: past.exact, look: "two" },
    { name: "micro-F1", values: past.f1, look: "one", area: true },
  ], { top: 1, describe: `Micro-F1 now ${score(last(past.f1))}` }, score);
  chart("throughput", [{ name: "events/s", values: past.rate, look: "one", area: true }],
    { describe: `${count(state.rate ?? 0)} events a second` }, (v) => count(v ?? 0));
  const behind = past.lag.some((v) => v !== null);
  $("lag").closest(".card").hidden = !behind;
  if (behind) {
    chart("lag", [{ name: "records behind", values: past.lag, look: "two", area: true }],
      { describe: `${state.operation.lag ?? "unknown"} records behind` }, (v) => (v === null ? "–" : count(v)));
  }
  timeline($("timeline"), past.at, state.changes, state.drifts, sayChange);
  legend("timeline-legend", [
    { kind: "split", name: "split" }, { kind: "merge", name: "merge" }, { kind: "rebuild", name: "rebuild" },
    { kind: "drift", name: "drift of a cluster", value: count(state.totals.drifts) },
    { kind: "swap", name: "an alternate took over" },
  ]);
}

const groupText = (group) => group.names.join(", ") + (group.more ? ` +${group.more}` : "");
const groupsText = (change) => change.groups.map(groupText).join(" | ") + (change.more ? ` | +${change.more} groups` : "");
const sayChange = (change) => `${change.kind} at event ${count(change.position)}: ${groupsText(change)}`;

function showNode(node, into) {
  const item = make(into, "li");
  const line = make(item, "div", "node");
  make(line, "span", "size", node.children ? plural(node.n, "label") : `cluster of ${count(node.n)}`);
  if (!node.children) {
    const chip = make(line, "span", "chip", STATES[node.state] ?? node.state);
    chip.dataset.state = node.state;
    if (node.at !== null) chip.title = `at event ${count(node.at)}`;
  }
  make(make(line, "span", "bar"), "i").style.width = `${100 * (node.f1 ?? 0)}%`;
  make(line, "span", "f1", score(node.f1)).title = "micro-F1 over the window";
  if (node.children) {
    const below = make(item, "ul");
    for (const child of node.children) showNode(child, below);
    if (node.hidden) make(below, "li", "quiet", `${plural(node.hidden, "more branch")} not shown`);
    return;
  }
  const labels = make(item, "div", "labels");
  for (const label of node.labels) {
    const chip = make(labels, "span", "label", label.name);
    make(chip, "small", "", score(label.f1));
    chip.title = `${plural(label.support, "time")} true in the window`;
  }
  if (node.more) make(labels, "span", "label quiet", `+${count(node.more)}`);
}

function showTree() {
  if (!changed("tree", state.tree)) return;
  $("tree-size").textContent = `${plural(state.labels, "label")} in ${plural(state.clusters, "cluster")}`;
  $("tree").replaceChildren();
  showNode(state.tree, $("tree"));
}

const isDrift = (change) => change.kind === "drift" || change.kind === "swap";

// Drifts come in flocks: those with no structure change between them are one line.
function flocks() {
  const all = [...state.changes, ...state.drifts].sort((a, b) => b.position - a.position);
  const found = [];
  for (const change of all) {
    const flock = found[found.length - 1];
    if (isDrift(change) && flock && isDrift(flock[0])) flock.push(change);
    else found.push([change]);
  }
  return found.slice(0, 10);
}

function flockKind(flock) {
  if (flock.length === 1) return flock[0].kind;
  const swaps = flock.filter((one) => one.kind === "swap").length, drifts = flock.length - swaps;
  return [drifts && plural(drifts, "drift"), swaps && plural(swaps, "swap")].filter(Boolean).join(", ");
}

function flockText(flock) {
  const clusters = [...new Set(flock.map(groupsText))];
  return clusters.slice(0, 6).join(" | ") + (clusters.length > 6 ? ` | +${clusters.length - 6} clusters` : "");
}

function showChanges() {
  const all = flocks();
  if (!changed("changes", all)) return;
  const into = $("changes");
  into.replaceChildren();
  if (!all.length) make(into, "li", "quiet", "None so far.");
  for (const flock of all) {
    const item = make(into, "li"), [newest] = flock, oldest = last(flock);
    make(item, "span", "kind", flockKind(flock));
    const where = oldest.position === newest.position ? `event ${count(newest.position)}`
      : `events ${count(oldest.position)} to ${count(newest.position)}`;
    make(item, "span", "where", where);
    make(item, "span", "groups", flockText(flock));
  }
}

function bytes(n) {
  const unit = ["B", "kB", "MB", "GB"];
  let k = 0;
  while (n >= 1000 && k < 3) { n /= 1000; k += 1; }
  return `${+n.toPrecision(3)} ${unit[k]}`;
}

function facts() {
  const { operation: o, window: w } = state;
  const list = [
    ["events", state.length ? `${count(state.events)} of ${count(state.length)}` : count(state.events)],
    ["running for", ago(state.seconds)],
    ["mean rate", `${count(state.mean_rate)} events/s`],
    ["features, labels", `${count(state.features)}, ${count(state.labels)}`],
    ["macro-F1, Hamming loss", `${score(w.macro_f1)}, ${score(w.hamming_loss)}`],
    ["structure changes, drifts", `${count(state.totals.changes)}, ${count(state.totals.drifts)}`],
  ];
  for (const [outcome, n] of Object.entries(o.outcomes)) if (n) list.push([outcome, plural(n, outcome === "tombstones" ? "record" : "event")]);
  if (o.n_partitions !== null) list.push(["partitions", count(o.n_partitions)]);
  if (o.p99 !== null) list.push(["99 % answered within", `${o.p99} s`]);
  if (o.join) {
    list.push(["waiting for labels", `${plural(o.join.events, "event")}, the oldest ${ago(o.join.oldest)}`]);
    list.push(["events, labels that came twice", [o.join.duplicate_event, o.join.duplicate_labels].map(count).join(", ")]);
    list.push(["labels too late, of no event", [o.join.late_labels, o.join.labels_expired].map(count).join(", ")]);
  }
  if (o.snapshot) {
    const s = o.snapshot;
    const size = s.size === null ? "" : `, ${bytes(s.size)}`;
    list.push(["snapshot", s.age === null ? "none yet" : `${ago(s.age)} old${size}`]);
    if (s.failures) list.push(["snapshots that failed", count(s.failures)]);
  }
  const letters = Object.entries(state.dead_letters);
  list.push(["dead letters", letters.length ? letters.map(([why, n]) => `${count(n)} ${why}`).join(", ") : "none"]);
  return list;
}

function showFacts(health) {
  const into = $("facts");
  into.replaceChildren();
  for (const [what, value] of facts()) {
    make(into, "dt", "", what);
    make(into, "dd", "", value);
  }
  $("health").replaceChildren();
  for (const check of health) {
    const item = make($("health"), "li");
    item.dataset.ok = check.ok;
    make(item, "span", "", check.ok ? "✓" : "✗");
    make(item, "span", "", check.reason);
  }
}

function live(kind, text) {
  $("live").dataset.state = kind;
  if ($("live-text").textContent !== text) $("live-text").textContent = text;
}

function draw(health) {
  $("source").textContent = state.source;
  $("subtitle").textContent = `${state.learner}, ${plural(state.events, "event")}`;
  document.title = `${state.verdicts.learning.word} / ${state.verdicts.drifting.word} / ${state.verdicts.keeping_up.word}: ${state.source}`;
  showVerdicts();
  showCharts();
  showTree();
  showChanges();
  showFacts(health);
  document.body.dataset.events = state.events;
}

async function refresh() {
  try {
    const answer = await fetch("state.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const { age, health, state: newest } = await answer.json();
    lastSeen = Date.now();
    if (newest === null) { live("waiting", "waiting for events"); showHealthOnly(health); return; }
    state = newest;
    draw(health);
    live(age > 15 ? "waiting" : "live", age > 15 ? `quiet for ${ago(age)}` : "live");
  } catch (error) {
    if (!(error instanceof TypeError) && !/NetworkError|Failed/.test(String(error))) console.error(error);
    live("lost", lastSeen ? `lost for ${ago((Date.now() - lastSeen) / 1000)}` : "no answer");
  } finally {
    setTimeout(refresh, EVERY);
  }
}

function showHealthOnly(health) {
  const into = $("health");
  into.replaceChildren();
  for (const check of health) make(into, "li", "", check.reason);
}

for (const name of ["recent", "whole"]) {
  $(`span-${name}`).addEventListener("click", () => {
    span = name;
    for (const other of ["recent", "whole"]) $(`span-${other}`).setAttribute("aria-pressed", String(other === name));
    if (state) showCharts();
  });
}
for (const id of ["quality", "throughput", "lag"]) {
  follow($(id), () => drawn[id], (i) => drawn[id]?.tell(i));
}
new ResizeObserver(() => state && showCharts()).observe($("quality"));
refresh();
