// Writes the types of the client from an OpenAPI document:
//
//   authd openapi v1 > v1.json && TOOLS=target/tools/sdk node sdk/types.mjs v1.json > sdk/js/types/v1.d.ts
//
// TOOLS is the folder in which `openapi-typescript` is installed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(`${resolve(process.env.TOOLS ?? ".")}/`);
const { default: openapi, astToString } = require("openapi-typescript");

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
const codes = Object.keys(document.components.examples).filter((name) => /^[A-Z][A-Z_]+$/.test(name));

/** A part of the document, or what it refers to. */
const found = (part) => {
  const [, kind, name] = /^#\/components\/(\w+)\/(.+)$/.exec(part.$ref ?? "") ?? [];
  return name ? document.components[kind][name] : part;
};

// What a client for people calls, and of each answer the success: all errors have one form.
for (const [path, item] of Object.entries(document.paths)) {
  if (!/^\/(auth|users\/me)(\/|$)/.test(path)) delete document.paths[path];
  for (const operation of Object.values(item)) {
    delete operation.security;
    operation.parameters = operation.parameters?.map(found);
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      operation.responses[status] = { ...found(response), headers: undefined };
      if (!status.startsWith("2")) delete operation.responses[status];
    }
  }
}

function withoutExamples(value) {
  if (Array.isArray(value)) return value.map(withoutExamples);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([name]) => name !== "example" && name !== "examples");
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutExamples(inner)]));
}

// Only the schemas that these calls use.
const { paths, components } = withoutExamples(document);
const used = {};
const collect = (value) => {
  for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (name in used) continue;
    used[name] = components.schemas[name];
    collect(used[name]);
  }
};
collect(paths);
used.Error = components.schemas.Error;
const schemas = Object.fromEntries(Object.entries(used).sort());
const types = astToString(await openapi({ openapi: document.openapi, info: document.info, paths, components: { schemas } }));
const union = codes.sort().map((code) => `\n  | "${code}"`).join("");
process.stdout.write(
  `// Generated from \`authd openapi v1\` by sdk/types.mjs; do not edit.\n${types}\n` +
    `/** The codes of errors. A later version of the server may have more. */\nexport type ErrorCode =${union};\n`,
);
