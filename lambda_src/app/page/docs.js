// Writes the API's description from openapi.json, which lies beside this page: nothing is fetched from elsewhere.

import { el } from "./result.js";

const row = (name, text) => el("tr", {}, el("td", {}, el("code", {}, name)), el("td", {}, text));

function parameters(operation) {
  return (operation.parameters ?? []).map((p) => row(`${p.in === "query" ? "?" : ""}${p.name}`, p.description ?? `in the ${p.in}`));
}

function body(operation) {
  if (!operation.requestBody) return [];
  const types = Object.keys(operation.requestBody.content).join(", ");
  return [row("body", `${operation.requestBody.description ?? ""} As ${types}.`.trim())];
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, answer]) => row(status, answer.description));
}

function route(path, verb, operation) {
  return el(
    "section",
    { className: "panel" },
    el("h3", {}, el("span", { className: "verb" }, verb.toUpperCase()), el("code", {}, path), el("span", { className: "what" }, operation.summary ?? "")),
    el("p", { className: "note" }, operation.description ?? ""),
    el("table", {}, ...parameters(operation), ...body(operation), ...answers(operation)),
  );
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => `"${value}"`).join(", ");
  if (schema.const !== undefined) return `"${schema.const}"`;
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties?.type) return `${schema.additionalProperties.type} by name`;
  return schema.type ?? "any";
}

function schema(name, definition) {
  const rows = Object.entries(definition.properties ?? {}).map(([key, value]) => row(key, typeOf(value)));
  return el("details", {}, el("summary", {}, name), el("p", { className: "note" }, definition.description ?? ""), el("table", {}, ...rows));
}

const api = await (await fetch("openapi.json")).json();
const base = new URL(".", location.href).href;
document.getElementById("about").textContent = api.info.description;
document.getElementById("curl").textContent = `curl -F file=@scan.png ${base}v1/findings`;
for (const [path, operations] of Object.entries(api.paths)) {
  for (const [verb, operation] of Object.entries(operations)) document.getElementById("routes").append(route(path, verb, operation));
}
for (const [name, definition] of Object.entries(api.components?.schemas ?? {})) {
  document.getElementById("schemas").append(schema(name, definition));
}
