"use strict";
// Lists what /api/openapi.json describes, with a form for each operation. Texts go in as texts, never as markup.

function make(name, props = {}, ...children) {
  const { dataset, ...rest } = props;
  const node = Object.assign(document.createElement(name), rest);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

function resolve(document_, schema) {
  return schema?.$ref ? schema.$ref.slice(2).split("/").reduce((at, key) => at[key], document_) : schema;
}

function field(param) {
  const input = make("input", { name: param.name, required: param.required === true });
  input.dataset.in = param.in;
  const label = make("label", {}, param.name + (param.required ? " *" : ""));
  const id = `p${field.count = (field.count ?? 0) + 1}`;
  input.id = id;
  label.htmlFor = id;
  const row = make("div", { className: "field" }, label, input);
  if (param.description) row.append(make("small", {}, param.description));
  return row;
}

async function show(response, output, signal) {
  const status = make("p", { className: response.ok ? "ok" : "bad" }, `${response.status} ${response.statusText}`);
  const text = make("pre", { tabIndex: 0 });
  const headers = ["location", "x-next-position", "x-log-complete", "allow", "retry-after"]
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  output.replaceChildren(status, ...headers.map((line) => make("div", {}, make("code", {}, line))), text);
  if (/json$/.test(response.headers.get("content-type") ?? "")) {
    text.textContent = JSON.stringify(await response.json(), null, 2);
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text.append(value);
    text.scrollTop = text.scrollHeight;
  }
}

function operation(document_, path, method, it) {
  const params = it.parameters ?? [];
  const form = make("form", { className: "deed" });
  if (it.description) form.append(make("p", {}, it.description));
  form.append(...params.map(field));
  let body, media;
  if (it.requestBody) {
    const [[type, content]] = Object.entries(it.requestBody.content);
    media = type;
    const example = resolve(document_, content.schema)?.example;
    body = make("textarea", { ariaLabel: "body", value: example ? JSON.stringify(example, null, 2) : "" });
    form.append(make("p", {}, make("code", {}, media)), body);
  }
  const answers = make("ul", {});
  for (const [status, answer] of Object.entries(it.responses)) {
    answers.append(make("li", {}, `${status} ${answer.description ?? ""}`));
  }
  const stop = make("button", { type: "button", disabled: true }, "Stop");
  const output = make("div", { ariaLive: "polite" });
  form.append(answers, make("button", {}, "Try"), " ", stop, output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    const headers = { "accept-language": document.getElementById("language").value };
    for (const input of form.querySelectorAll("input")) {
      if (input.value === "") continue;
      if (input.dataset.in === "path") target = target.replace(`{${input.name}}`, encodeURIComponent(input.value));
      if (input.dataset.in === "query") query.append(input.name, input.value);
      if (input.dataset.in === "header") headers[input.name] = input.value;
    }
    if (String(query)) target += `?${query}`;
    if (body?.value) headers["content-type"] = media;
    const running = new AbortController();
    stop.disabled = false;
    stop.onclick = () => running.abort();
    try {
      const init = { method: method.toUpperCase(), headers, signal: running.signal, body: body?.value || undefined };
      await show(await fetch(target, init), output, running.signal);
    } catch (error) {
      if (!running.signal.aborted) output.append(make("p", { className: "bad" }, String(error)));
    }
    stop.disabled = true;
  });
  return make("details", { id: it.operationId },
    make("summary", {}, make("span", { className: "method" }, method.toUpperCase()), make("code", {}, path), ` ${it.summary ?? ""}`),
    form);
}

async function main() {
  const document_ = await (await fetch("/api/openapi.json")).json();
  document.getElementById("about").textContent = document_.info.description;
  const place = document.getElementById("operations");
  for (const tag of document_.tags) {
    place.append(make("h2", {}, tag.name), make("p", {}, tag.description ?? ""));
    for (const [path, methods] of Object.entries(document_.paths)) {
      for (const [method, it] of Object.entries(methods)) {
        if (it.tags?.includes(tag.name)) place.append(operation(document_, path, method, it));
      }
    }
  }
}

main().catch((error) => { document.getElementById("about").textContent = String(error); });
