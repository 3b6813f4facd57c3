// Lays out the API description as a page. Everything shown is set as text, never as markup.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const problemPath = "/docs/problems/";
  const deepest = 8;
  let api;

  /** An element: attributes and event handlers from an object, then children. */
  function el(name, facts, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(facts ?? {})) {
      if (typeof value === "function") {
        node.addEventListener(key, value);
      } else if (value !== null && value !== undefined && value !== false) {
        node.setAttribute(key, value === true ? "" : value);
      }
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  // Schemas

  const resolve = (schema) => {
    const reference = schema?.$ref;
    return reference ? reference.split("/").slice(1).reduce((at, part) => at?.[part], api) ?? {} : schema ?? {};
  };

  /** What a schema stands for: the schema itself, its name, and whether null will do. */
  function meaning(schema) {
    const options = schema.anyOf ?? schema.oneOf;
    if (options) {
      const real = options.filter((option) => option.type !== "null");
      if (real.length === 1) {
        return { ...meaning(real[0]), nullable: real.length < options.length };
      }
    }
    const name = schema.$ref?.split("/").pop();
    const bare = resolve(schema);
    const types = [bare.type ?? []].flat();
    return { bare, name, types: types.filter((type) => type !== "null"), nullable: types.includes("null") };
  }

  function typeText(schema) {
    const { bare, name, types, nullable } = meaning(schema);
    let text;
    if (types[0] === "array") {
      text = "list of " + typeText(bare.items ?? {});
    } else if (types[0] === "object" && bare.additionalProperties?.type) {
      text = "object of " + typeText(bare.additionalProperties);
    } else {
      text = name ?? (types.join(" or ") || (bare.enum ? "string" : "any JSON"));
      text += bare.format && bare.format !== "int64" ? " (" + bare.format + ")" : "";
    }
    return text + (nullable ? " or null" : "");
  }

  /** The object whose members are worth listing: of the schema itself, or of what it is a list of. */
  function objectOf(schema) {
    const { bare, types } = meaning(schema);
    if (types[0] === "array") {
      return objectOf(bare.items ?? {});
    }
    return bare.properties ? bare : null;
  }

  function rules(schema) {
    const { bare } = meaning(schema);
    const said = [];
    if (bare.minimum !== undefined) said.push("from " + bare.minimum);
    if (bare.maximum !== undefined) said.push("to " + bare.maximum);
    if (bare.minLength !== undefined) said.push("at least " + bare.minLength + " characters");
    if (bare.maxLength !== undefined) said.push("at most " + bare.maxLength + " characters");
    if (bare.minItems !== undefined) said.push("at least " + bare.minItems);
    if (bare.maxItems !== undefined) said.push("at most " + bare.maxItems);
    if (bare.pattern !== undefined) said.push("pattern " + bare.pattern);
    const standard = schema.default ?? bare.default;
    if (standard !== undefined && standard !== null) said.push("default " + JSON.stringify(standard));
    return said.join(", ");
  }

  function words(schema) {
    const { bare } = meaning(schema);
    const list = bare.enum ?? bare.items?.enum;
    return list
      ? el("p", { class: "words" }, "One of ", list.flatMap((word, i) => [i ? ", " : null, el("code", null, String(word))]))
      : null;
  }

  function members(schema, depth, trail) {
    const needed = new Set(schema.required ?? []);
    const few = Object.keys(schema.properties).length <= 4;
    return el(
      "ul",
      { class: "members" },
      Object.entries(schema.properties).map(([name, member]) => {
        const rule = rules(member);
        const inner = objectOf(member);
        const mayOpen = inner && depth < deepest && !trail.includes(inner);
        return el(
          "li",
          null,
          el("code", { class: "name" }, name),
          el("span", { class: "type" }, typeText(member)),
          needed.has(name) ? el("span", { class: "needed" }, "required") : null,
          member.description || meaning(member).bare.description
            ? el("p", null, member.description ?? meaning(member).bare.description)
            : null,
          rule ? el("p", { class: "words" }, rule) : null,
          words(member),
          mayOpen ? fold("Members of " + name, () => members(inner, depth + 1, [...trail, inner]), few && depth < 2) : null,
        );
      }),
    );
  }

  /** Something that opens; its content is made when it first does. */
  function fold(title, make, open) {
    const details = el("details", { class: "fold" }, el("summary", null, title));
    const fill = () => {
      if (details.childElementCount === 1) {
        details.append(make());
      }
    };
    if (open) {
      fill();
      details.open = true;
    } else {
      details.addEventListener("toggle", fill, { once: true });
    }
    return details;
  }

  function schemaOf(schema) {
    const object = objectOf(schema);
    return object ? members(object, 0, [object]) : el("p", { class: "type" }, typeText(schema));
  }

  // Examples

  const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

  function coloured(json) {
    const parts = [];
    let from = 0;
    for (const found of json.matchAll(token)) {
      parts.push(json.slice(from, found.index));
      const kind = found[1] ? (found[2] ? "j-key" : "j-string") : "j-value";
      const shown = found[1] ?? found[0];
      parts.push(el("span", { class: kind }, shown));
      from = found.index + shown.length;
    }
    parts.push(json.slice(from));
    return parts;
  }

  function sample(title, text, of, isJson) {
    const copy = navigator.clipboard
      ? el(
          "button",
          {
            type: "button",
            "aria-label": "Copy: " + title + ", " + of,
            click: async () => {
              try {
                await navigator.clipboard.writeText(text);
                say("Copied.");
                copy.textContent = "Copied";
              } catch {
                say("The browser did not allow copying.");
                copy.textContent = "Not allowed";
              }
              setTimeout(() => (copy.textContent = "Copy"), 2000);
            },
          },
          "Copy",
        )
      : null;
    return el(
      "div",
      { class: "sample" },
      el("div", null, el("h4", null, title), copy),
      el(
        "pre",
        { tabindex: "0", role: "region", "aria-label": title + ", " + of },
        el("code", null, isJson ? coloured(text) : text),
      ),
    );
  }

  function say(text) {
    byId("said").textContent = "";
    setTimeout(() => (byId("said").textContent = text), 50);
  }

  const pretty = (value) => JSON.stringify(value, null, 2);
  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

  /** An example of a body: the one given, else one made from the schema. */
  function exampleOf(content) {
    if (content?.example !== undefined) {
      return content.example;
    }
    const first = Object.values(content?.examples ?? {})[0];
    return first ? first.value : content?.schema ? invent(content.schema, 0) : undefined;
  }

  function invent(schema, depth) {
    const { bare, types } = meaning(schema);
    if (schema.example !== undefined || bare.example !== undefined) {
      return schema.example ?? bare.example;
    }
    if (bare.enum) {
      return bare.enum[0];
    }
    if (depth > deepest) {
      return null;
    }
    switch (types[0]) {
      case "object":
        return Object.fromEntries(
          Object.entries(bare.properties ?? {}).map(([name, member]) => [name, invent(member, depth + 1)]),
        );
      case "array":
        return [invent(bare.items ?? {}, depth + 1)];
      case "integer":
      case "number":
        return 1;
      case "boolean":
        return true;
      case "string":
        return { uuid: "01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e", "date-time": "2026-11-02T09:30:00Z" }[bare.format] ?? "text";
      default:
        return null;
    }
  }

  function valueOf(parameter) {
    if (parameter.example !== undefined) {
      return String(parameter.example);
    }
    if (parameter.in === "header") {
      return { "Idempotency-Key": "5f0c2b1e-7d64-4c1a-9a55-2f6f0c1d8e37", "If-Match": '"1"' }[parameter.name] ?? "text";
    }
    return parameter.name === "code" ? "SAVE10" : String(invent(parameter.schema ?? {}, 0));
  }

  function curlOf(operation) {
    const { method, path, facts } = operation;
    const parameters = facts.parameters ?? [];
    let address = path;
    for (const parameter of parameters.filter((one) => one.in === "path")) {
      address = address.replace("{" + parameter.name + "}", encodeURIComponent(valueOf(parameter)));
    }
    const asked = parameters.filter((one) => one.in === "query" && one.required);
    if (asked.length) {
      address += "?" + asked.map((one) => one.name + "=" + encodeURIComponent(valueOf(one))).join("&");
    }
    const lines = ["curl " + (method === "GET" ? "" : "-X " + method + " ") + quoted(location.origin + address)];
    if (facts["x-permission"]) {
      lines.push('-H "Authorization: Bearer $TESSERA_KEY"');
    }
    for (const parameter of parameters) {
      if (parameter.in === "header" && (parameter.required || parameter.name === "Idempotency-Key")) {
        lines.push("-H " + quoted(parameter.name + ": " + valueOf(parameter)));
      }
    }
    const [mediaType, content] = Object.entries(facts.requestBody?.content ?? {})[0] ?? [];
    if (mediaType) {
      const example = exampleOf(content);
      lines.push("-H " + quoted("Content-Type: " + mediaType));
      lines.push(
        mediaType.includes("json") ? "-d " + quoted(pretty(example)) : "--data-binary @file",
      );
    }
    return lines.join(" \\\n  ");
  }

  // Operations

  function pathOf(path) {
    return path.split(/(\{[^}]*\}|\/)/).map((part) => {
      if (part === "/") {
        return [el("wbr"), part];
      }
      return part.startsWith("{") ? el("b", null, part) : part;
    }).flat();
  }

  function parameterList(parameters) {
    const place = { path: "in the path", query: "in the query", header: "header" };
    return el(
      "ul",
      { class: "members" },
      parameters.map((one) =>
        el(
          "li",
          null,
          el("code", { class: "name" }, one.name),
          el("span", { class: "type" }, typeText(one.schema ?? {})),
          el("span", { class: "where" }, place[one.in] ?? one.in),
          one.required ? el("span", { class: "needed" }, "required") : null,
          one.description ? el("p", null, one.description) : null,
          rules(one.schema ?? {}) ? el("p", { class: "words" }, rules(one.schema)) : null,
          words(one.schema ?? {}),
        ),
      ),
    );
  }

  function refusalList(refusals) {
    return el(
      "ul",
      { class: "refusals" },
      refusals.flatMap(([status, response]) => {
        const examples = response.content?.["application/problem+json"]?.examples ?? {};
        const codes = response["x-problem-codes"] ?? Object.keys(examples);
        return codes.map((code) =>
          el(
            "li",
            null,
            el("span", { class: "status" }, status),
            el(
              "div",
              null,
              el("a", { href: problemPath + encodeURIComponent(code) }, el("code", null, code)),
              examples[code]?.value?.detail ? el("p", null, examples[code].value.detail) : null,
            ),
          ),
        );
      }),
    );
  }

  function bodyOf(operation) {
    const { facts } = operation;
    const of = facts.summary ?? operation.id;
    const takes = el("div");
    const shows = el("div");
    if (facts.description) {
      takes.append(el("p", { class: "remark" }, facts.description));
    }
    const permission = facts["x-permission"];
    takes.append(
      el(
        "dl",
        { class: "facts" },
        el("dt", null, "Permission"),
        el("dd", null, permission ? el("code", null, permission) : "none; open to everyone"),
        el("dt", null, "Idempotency key"),
        el("dd", null, { required: "required", optional: "optional" }[facts["x-idempotency-key"]] ?? "not taken"),
        el("dt", null, "Operation"),
        el("dd", null, el("a", { href: "#" + operation.id }, el("code", null, operation.id))),
      ),
    );

    if (facts.parameters?.length) {
      takes.append(el("h4", null, "Parameters"), parameterList(facts.parameters));
    }

    shows.append(sample("curl", curlOf(operation), of, false));
    for (const [mediaType, content] of Object.entries(facts.requestBody?.content ?? {})) {
      takes.append(
        el("h4", null, "Body", el("span", { class: "type" }, mediaType + (facts.requestBody.required ? ", required" : ""))),
        content.schema ? schemaOf(content.schema) : "",
      );
      if (mediaType.includes("json")) {
        shows.append(sample("Body", pretty(exampleOf(content)), of, true));
      }
    }

    const answers = Object.entries(facts.responses ?? {});
    takes.append(el("h4", null, "Answers"));
    for (const [status, response] of answers.filter(([status]) => status < "400")) {
      const answer = el("div", { class: "answer" }, el("span", { class: "status" }, status), response.description ?? "");
      takes.append(answer);
      for (const [mediaType, content] of Object.entries(response.content ?? {})) {
        if (content.schema) {
          answer.append(el("div", null, fold("Members of the " + status + " answer", () => schemaOf(content.schema), false)));
        }
        const example = mediaType.includes("json") ? exampleOf(content) : undefined;
        if (example !== undefined) {
          shows.append(sample("Answer " + status, pretty(example), of, true));
        }
      }
    }

    const refusals = answers.filter(([status]) => status >= "400");
    if (refusals.length) {
      takes.append(el("h4", null, "Refusals"), refusalList(refusals));
    }
    return el("div", { class: "body" }, takes, shows);
  }

  function operationOf(operation) {
    const { method, path, facts } = operation;
    const details = el(
      "details",
      { class: "operation", id: operation.id },
      el(
        "summary",
        null,
        el(
          "h3",
          null,
          el("span", { class: "method " + method.toLowerCase() }, method),
          el("span", { class: "path" }, pathOf(path)),
          el("span", { class: "what" }, facts.summary ?? ""),
        ),
      ),
    );
    operation.fill = () => {
      if (details.childElementCount === 1) {
        details.append(bodyOf(operation));
      }
    };
    details.addEventListener("toggle", () => details.open && operation.fill());
    operation.node = details;
    operation.text = [method, path, operation.id, facts.summary, facts["x-permission"], operation.tag]
      .join(" ")
      .toLowerCase();
    return details;
  }

  function readOperations() {
    const methods = ["get", "post", "put", "patch", "delete", "head", "options"];
    return Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
      methods
        .filter((method) => item[method])
        .map((method) => ({
          path,
          method: method.toUpperCase(),
          facts: item[method],
          tag: item[method].tags?.[0] ?? "Other",
          id: item[method].operationId ?? (method + path).replaceAll(/[^A-Za-z0-9]+/g, "-"),
        })),
    );
  }

  // The page

  function show() {
    const operations = readOperations();
    const tags = [...new Set([...(api.tags ?? []).map((tag) => tag.name), ...operations.map((one) => one.tag)])];
    const groups = tags
      .map((tag) => ({ tag, operations: operations.filter((one) => one.tag === tag) }))
      .filter((group) => group.operations.length);
    for (const group of groups) {
      const id = "tag-" + group.tag.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
      group.count = el("span", null, String(group.operations.length));
      group.link = el("a", { href: "#" + id }, group.tag, group.count);
      group.item = el("li", null, group.link);
      group.node = el(
        "section",
        { class: "group", id, "aria-labelledby": id + "-title" },
        el("h2", { id: id + "-title" }, group.tag),
        el("div", { class: "operations" }, group.operations.map(operationOf)),
      );
    }

    byId("version").textContent = api.info?.version ?? "";
    byId("lead").textContent = api.info?.description ?? "";
    byId("contents").replaceChildren(...groups.map((group) => group.item));
    byId("reference").replaceChildren(...groups.map((group) => group.node));
    const clear = filterBy(groups, operations);
    followReading(groups);
    const go = () => openNamed(operations, clear);
    addEventListener("hashchange", go);
    // A link to where we already are has to work again after the operation was closed.
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.('a[href^="#"]');
      if (link && link.getAttribute("href") === location.hash) {
        go();
      }
    });
    addEventListener("beforeprint", () => operations.forEach((one) => one.node.open && one.fill()));
    go();
  }

  function filterBy(groups, operations) {
    const field = byId("filter");
    const apply = () => {
      const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const group of groups) {
        let here = 0;
        for (const operation of group.operations) {
          const fits = wanted.every((word) => operation.text.includes(word));
          operation.node.hidden = !fits;
          here += fits ? 1 : 0;
        }
        group.node.hidden = group.item.hidden = here === 0;
        group.count.textContent = String(here);
        found += here;
      }
      byId("nothing").hidden = found > 0;
      byId("count").textContent =
        found === operations.length ? found + " operations" : found + " of " + operations.length + " operations";
    };
    field.addEventListener("input", apply);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && field.value) {
        field.value = "";
        apply();
      }
    });
    apply();
    return () => {
      field.value = "";
      apply();
    };
  }

  /** Marks the group that is being read. */
  function followReading(groups) {
    const mark = () => {
      const seen = groups.filter((group) => !group.node.hidden);
      const atEnd = scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
      const reached = atEnd
        ? seen.at(-1)
        : seen.filter((group) => group.node.getBoundingClientRect().top < innerHeight / 3).pop();
      for (const group of groups) {
        if (group === reached) {
          group.link.setAttribute("aria-current", "true");
        } else {
          group.link.removeAttribute("aria-current");
        }
      }
    };
    let waiting = false;
    const soon = () => {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          mark();
        });
      }
    };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon, { passive: true });
    mark();
  }

  function openNamed(operations, clear) {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id ? byId(id) : null;
    if (!target) {
      return;
    }
    const operation = operations.find((one) => one.node === target);
    if (target.hidden || target.closest("[hidden]")) {
      clear();
    }
    if (operation) {
      operation.fill();
      target.open = true;
      target.querySelector("summary").focus({ preventScroll: true });
    }
    target.scrollIntoView();
  }

  async function start() {
    try {
      const answer = await fetch("/openapi/v1.json", { headers: { Accept: "application/json" } });
      if (!answer.ok) {
        throw new Error("status " + answer.status);
      }
      api = await answer.json();
    } catch (error) {
      byId("reference").replaceChildren(
        el(
          "div",
          { class: "notice", role: "alert" },
          el("p", null, "The API description could not be loaded (" + error.message + ")."),
          el("p", null, el("button", { type: "button", click: start }, "Try again")),
        ),
      );
      return;
    }
    show();
  }

  start();
})();
