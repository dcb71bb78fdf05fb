// Builds what the finding panel shows. Text only ever enters the page as text, never as markup.

import { TRIAGE_NAMES, headline, percent, setLine } from "./words.js";

/** An element with properties and children. */
export function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function bars(finding) {
  const members = new Set(finding.prediction_set);
  const rows = Object.entries(finding.probabilities).map(([name, p]) => {
    const fill = el("span", { className: "fill" });
    fill.style.width = `${p * 100}%`;
    const row = el(
      "li",
      { className: members.has(name) ? "member" : "" },
      el("span", { className: "name" }, name),
      el("span", { className: "track", ariaHidden: "true" }, fill),
      el("span", { className: "value" }, percent(p)),
    );
    row.dataset.class = name;
    return row;
  });
  return el("ul", { className: "bars", ariaLabel: "Probabilities" }, ...rows);
}

function facts(finding) {
  const { image, model, ood, quality } = finding;
  const rows = {
    Image: `${image.width} × ${image.height} px, ${image.format}`,
    "Image sha256": image.sha256,
    Model: `${model.name} ${model.version}`,
    "Model sha256": model.sha256,
    "Distance from known scans": `${ood.score} (accepted up to ${ood.threshold})`,
    Quality: Object.entries(quality.checks).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(", "),
    "Finding id": finding.id,
    Created: finding.created,
  };
  return el("dl", { className: "facts" }, ...Object.entries(rows).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function download(finding) {
  const bare = structuredClone(finding);
  if (bare.heat_map) delete bare.heat_map.overlay;
  const json = new Blob([JSON.stringify(bare, null, 2)], { type: "application/json" });
  return el("a", { className: "quiet", href: URL.createObjectURL(json), download: `finding-${finding.id}.json` }, "Save the finding (JSON)");
}

/** The finding as elements. Where nothing was answered, the raw numbers are folded away and named as what they are. */
export function findingView(finding) {
  const [title, subtitle] = headline(finding);
  const answeredOrDeferred = ["answered", "deferred"].includes(finding.outcome);
  const numbers = [bars(finding), el("p", { className: "note" }, setLine(finding))];
  const chip = el("p", { className: `chip ${finding.triage}` }, TRIAGE_NAMES[finding.triage]);
  const view = el(
    "article",
    { className: finding.outcome },
    el("h3", { className: "headline" }, title),
    el("p", { className: "subline" }, subtitle),
    chip,
  );
  view.dataset.outcome = finding.outcome;
  if (finding.reason) view.append(el("p", { className: "reason" }, finding.reason));
  if (answeredOrDeferred) view.append(...numbers);
  else view.append(el("details", {}, el("summary", {}, "What the network put out (not a result)"), ...numbers));
  view.append(
    el("p", { className: "note" }, `By ${finding.model.name} ${finding.model.version}. ${finding.notice}`),
    el("details", {}, el("summary", {}, "Details"), facts(finding), el("p", { className: "actions" }, download(finding))),
  );
  return view;
}

/** A problem (RFC 9457) as elements. */
export function problemView(problem) {
  const view = el(
    "article",
    { className: "problem" },
    el("h3", { className: "headline" }, problem.title),
    el("p", { className: "reason" }, problem.detail),
  );
  view.dataset.problem = problem.type;
  return view;
}

/** The panel while it waits. */
export function busyView(words) {
  return el("div", { className: "empty" }, el("p", { className: "busy" }, words));
}
