// What the page says: names, outcomes and numbers in words. No document in here.

export const CLASS_NAMES = {
  CNV: "Choroidal neovascularisation",
  DME: "Diabetic macular oedema",
  DRUSEN: "Deposits under the retina",
  NORMAL: "None of the three diseases seen",
};

export const TRIAGE_NAMES = {
  urgent: "Urgent referral",
  routine: "Routine referral",
  observe: "Observe",
  needs_review: "Needs review by a person",
};

/** A probability as a percentage that never claims more than was computed. */
export function percent(p) {
  if (p > 0.999) return "> 99.9 %";
  if (p < 0.001) return "< 0.1 %";
  return `${(p * 100).toFixed(1)} %`;
}

/** "A", "A or B", "A, B or C". */
export function either(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** Headline and subline of a finding. Only an answered one names a class as its result. */
export function headline(finding) {
  switch (finding.outcome) {
    case "answered":
      return [finding.label, CLASS_NAMES[finding.label] ?? ""];
    case "deferred":
      return ["No single answer", `Can't be told apart here: ${either(finding.prediction_set)}`];
    case "out_of_distribution":
      return ["Not a scan this model knows", "No class is given"];
    default:
      return ["Not gradable", "No class is given"];
  }
}

/** One line on the prediction set. */
export function setLine(finding) {
  const coverage = `${Number((finding.coverage * 100).toFixed(2))} %`;
  const members = finding.prediction_set.join(", ");
  return `Prediction set at ${coverage} coverage: ${members}.`;
}

/** What the heat map shows; a class is named only where it is the result. */
export function heatLine(finding) {
  if (!finding.heat_map) return "No heat map: the scan was not answered.";
  if (!finding.label) return "Where the model looked; not a result.";
  return finding.label === "NORMAL" ? "Where the model looked." : `Where signs of ${finding.label} seem to lie.`;
}
