// node validate.cjs FILE...: exits 1 when a file is not valid AsyncAPI, or a pattern in it is not
// an ECMAScript regular expression.
const fs = require("node:fs");
const { Parser } = require("@asyncapi/parser");

const ERROR = 0; // severity; 2 is advice such as "a later version of AsyncAPI exists"

function badPatterns(node, path) {
  if (node === null || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([key, value]) => {
    const here = `${path}/${key}`;
    if (key !== "pattern" || typeof value !== "string") return badPatterns(value, here);
    try {
      new RegExp(value, "u");
      return [];
    } catch (error) {
      return [`${here}: ${error.message}`];
    }
  });
}

async function problemsOf(file) {
  const text = fs.readFileSync(file, "utf8");
  const found = await new Parser().validate(text, { source: file });
  const errors = found.filter((one) => one.severity === ERROR);
  return [
    ...errors.map((one) => `${one.path.join("/")}: ${one.message}`),
    ...badPatterns(JSON.parse(text), ""),
  ];
}

async function main(files) {
  if (files.length === 0) throw new Error("name at least one file");
  let failed = false;
  for (const file of files) {
    const problems = await problemsOf(file);
    problems.forEach((problem) => console.error(`${file}: ${problem}`));
    console.log(`${file}: ${problems.length === 0 ? "valid" : "NOT valid"}`);
    failed ||= problems.length > 0;
  }
  process.exitCode = failed ? 1 : 0;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
