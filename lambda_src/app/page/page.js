// The page: takes a scan, asks the service, shows the finding.

import { classify, classifyByUpload, readiness, sample } from "./api.js";
import { heatPicture } from "./heat.js";
import { busyView, findingView, problemView } from "./result.js";
import { headline, heatLine } from "./words.js";

const $ = (id) => document.getElementById(id);
const scan = $("scan");
const overlay = $("overlay");
let waiting = new AbortController();
let drawable = true;
let maxBytes = Infinity;

function showResult(view, words) {
  $("result").replaceChildren(view);
  $("status").textContent = words;
}

function showBusy(words) {
  showResult(busyView(words), words);
}

function showStage(blob, caption) {
  drawable = true;
  URL.revokeObjectURL(scan.src);
  scan.src = URL.createObjectURL(blob);
  scan.hidden = false;
  overlay.hidden = true;
  overlay.removeAttribute("src");
  $("undrawable").hidden = true;
  $("heat").hidden = true;
  $("caption").textContent = caption;
  $("drop").hidden = true;
  $("stage").hidden = false;
}

/** The overlay is the whole scan with its map, so that fading it in over the scan fades in the map alone. */
function showHeat() {
  const strength = $("heat-on").checked ? Number($("heat-strength").value) / 100 : 0;
  const has = overlay.hasAttribute("src");
  overlay.hidden = !has;
  overlay.style.opacity = drawable ? strength : 1;
  $("heat").hidden = !has;
  for (const id of ["heat-on", "heat-strength"]) $(id).disabled = !drawable;
  scan.hidden = !drawable;
  $("undrawable").hidden = drawable || has;
}

function showFinding(finding) {
  const map = finding.heat_map;
  if (map?.overlay) overlay.src = map.overlay;
  else if (map && drawable) overlay.src = heatPicture(map, finding.image);
  showHeat();
  const only = !drawable && map?.overlay ? "This browser can draw the scan only with its map." : "";
  $("caption").textContent = [$("caption").textContent, heatLine(finding), only].filter(Boolean).join(" ");
  $("notice").textContent = finding.notice;
  const [title, subtitle] = headline(finding);
  showResult(findingView(finding), `Finding: ${title}. ${subtitle}. ${finding.reason ?? ""}`);
}

async function analyse(blob, caption) {
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  showStage(blob, caption);
  showBusy("Reading the scan …");
  document.querySelector(".frame").classList.add("working");
  try {
    const large = blob.size > maxBytes;
    const { body, problem } = large ? await classifyByUpload(blob, signal, showBusy) : await classify(blob, signal);
    if (body) showFinding(body);
    else showResult(problemView(problem), `${problem.title}. ${problem.detail}`);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return;
  }
  document.querySelector(".frame").classList.remove("working");
  if (matchMedia("(max-width: 54rem)").matches) $("result").scrollIntoView({ block: "nearest" });
}

function press(button) {
  for (const other of document.querySelectorAll("[data-sample]")) other.ariaPressed = String(other === button);
}

async function trySample(button) {
  press(button);
  try {
    await analyse(await sample(button.dataset.sample), "A drawn scan, not a patient.");
  } catch {
    showResult(problemView({ title: "The sample can't be had", detail: "The server did not give it. Is the model loaded?" }), "");
  }
}

function takeFiles(files) {
  if (!files.length) return;
  press(null);
  const others = files.length - 1;
  analyse(files[0], others ? `One scan at a time: ${others} more left out.` : "");
}

function reset() {
  waiting.abort();
  $("stage").hidden = true;
  $("drop").hidden = false;
  $("file").value = "";
  press(null);
  $("file").focus();
}

function watchDrops() {
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dragging", depth > 0);
  };
  addEventListener("dragenter", () => mark(1));
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    takeFiles(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => takeFiles(event.clipboardData.files));
}

async function showReadiness() {
  const { body, problem } = await readiness();
  maxBytes = body?.uploads ? body.max_bytes : Infinity;
  const limit = (maxBytes / 1e6).toFixed(0);
  $("larger").textContent = Number.isFinite(maxBytes) ? ` Over ${limit} MB it goes to the bucket and is kept there.` : "";
  $("model").textContent = body ? `${body.model} ${body.version}` : "";
  $("banner").hidden = !problem;
  $("banner").textContent = problem ? `${problem.title}. ${problem.detail}` : "";
  $("samples").hidden = Boolean(problem);
}

scan.addEventListener("error", () => {
  drawable = false;
  showHeat();
});
$("file").addEventListener("change", (event) => takeFiles(event.target.files));
$("again").addEventListener("click", reset);
$("heat-on").addEventListener("change", showHeat);
$("heat-strength").addEventListener("input", showHeat);
for (const button of document.querySelectorAll("[data-sample]")) button.addEventListener("click", () => trySample(button));
watchDrops();
showReadiness();
