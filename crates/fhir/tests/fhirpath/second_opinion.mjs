// Evaluates expressions with the npm package `fhirpath`, which shares no code with ours.
//
// Reads from standard input: { modules, inputs: { name: resource }, cases: [[name, input, expression]] }.
// Writes a list in the same order: { values: [...] } or { error: true }. With `time: N` it writes nanoseconds per evaluation instead, as the
// best of N rounds, after as many to warm up.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const asked = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(asked.modules + "/fhirpath/package.json");
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

const shown = (value) => {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" && value.namespace && value.name) return `${value.namespace}.${value.name}`;
  return value;
};

const variables = (resource) => ({ resource, rootResource: resource, context: resource });

function evaluate([, input, expression]) {
  const resource = asked.inputs[input];
  try {
    const values = fhirpath.evaluate(resource, expression, variables(resource), model, {
      traceFn: () => {},
      resolveInternalTypes: true,
    });
    return values instanceof Promise ? { error: true } : { values: values.map(shown) };
  } catch {
    return { error: true };
  }
}

function time([, input, expression]) {
  const resource = asked.inputs[input];
  const given = variables(resource);
  const run = fhirpath.compile(expression, model);
  let best = Infinity;
  for (let round = 0; round < asked.time * 2; round++) {
    const repeats = 2000;
    const start = process.hrtime.bigint();
    for (let i = 0; i < repeats; i++) run(resource, given);
    const spent = Number(process.hrtime.bigint() - start) / repeats;
    if (round >= asked.time) best = Math.min(best, spent);
  }
  return best;
}

process.stdout.write(JSON.stringify(asked.cases.map(asked.time ? time : evaluate)));
