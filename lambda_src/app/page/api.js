// The calls to the service. All addresses are relative, so that the page also works under a stage prefix.

const UNREACHABLE = {
  type: "about:blank",
  title: "The service can't be reached",
  detail: "No answer came. Check the connection, and whether the server still runs.",
};

/** JSON of an answer, or the problem it told. */
async function read(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) {
    return { problem: { type: "about:blank", title: `Answer ${response.status}`, detail: "The answer was not one of this service." } };
  }
  const body = await response.json();
  return response.ok ? { body } : { problem: body };
}

async function call(path, { headers, ...options } = {}) {
  try {
    return await read(await fetch(path, { ...options, headers: { accept: "application/json, application/problem+json", ...headers } }));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { problem: UNREACHABLE };
  }
}

/** The finding of a scan with its overlay: {body} or {problem}. */
export function classify(blob, signal) {
  const form = new FormData();
  form.append("file", blob, "scan");
  return call("v1/findings?overlay=png", { method: "POST", body: form, signal });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A scan by way of the bucket: asks for a form, posts it there, waits for the job: {body} or {problem}. */
export async function classifyByUpload(blob, signal, tell) {
  const wish = JSON.stringify({ bytes: blob.size });
  const asked = await call("v1/uploads", { method: "POST", body: wish, headers: { "content-type": "application/json" }, signal });
  if (asked.problem) return asked;
  const form = new FormData();
  for (const [name, value] of Object.entries(asked.body.fields)) form.append(name, value);
  form.append("file", blob, "scan");
  tell("Sending the scan to the bucket …");
  try {
    const sent = await fetch(asked.body.url, { method: "POST", body: form, signal });
    if (!sent.ok) return { problem: { ...UNREACHABLE, title: "The bucket refused the upload", detail: `Its answer was ${sent.status}.` } };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { problem: { ...UNREACHABLE, title: "The bucket can't be reached" } };
  }
  tell("The scan waits for its turn …");
  return awaitJob(asked.body.job_id, signal);
}

async function awaitJob(id, signal) {
  for (let wait = 500; ; wait = Math.min(wait * 1.3, 5000)) {
    await pause(wait);
    const { body: job, problem } = await call(`v1/jobs/${id}`, { signal });
    if (problem) return { problem };
    if (job.state === "done") return call(`v1/findings/${job.finding_id}`, { signal });
    if (job.state === "rejected" || job.state === "failed") return { problem: job.problem };
    if (job.state === "expired") return { problem: { ...UNREACHABLE, title: "The upload has expired", detail: "No scan came in time." } };
  }
}

/** Whether the model is ready: {body} or {problem}. */
export function readiness() {
  return call("readyz");
}

/** A drawn sample as a blob; throws where it can't be had. */
export async function sample(name) {
  const response = await fetch(`samples/${name}.png`);
  if (!response.ok) throw new Error(`sample ${response.status}`);
  return response.blob();
}
