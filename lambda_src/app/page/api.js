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

async function call(path, options) {
  try {
    return await read(await fetch(path, { ...options, headers: { accept: "application/json, application/problem+json" } }));
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
