// Converts with npm `fhir`: lines of {"json": …, "xml": …} in, lines of {"xml": from the JSON, "json": from the XML} out.
// What cannot be converted is {"xmlError": …} or {"jsonError": …}.
'use strict';
const path = require('path');
const readline = require('readline');
const { Fhir } = require(path.join(process.env.MODULES, 'fhir'));

const fhir = new Fhir();
const tried = (name, convert) => {
  try {
    return { [name]: convert() };
  } catch (error) {
    return { [`${name}Error`]: String(error.message || error) };
  }
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { json, xml } = JSON.parse(line);
  const answer = {
    ...tried('xml', () => fhir.objToXml(JSON.parse(json))),
    ...tried('json', () => JSON.stringify(fhir.xmlToObj(xml))),
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
