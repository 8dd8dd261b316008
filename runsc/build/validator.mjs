// Compiles runsc/spec/config-schema.json to code, so that no schema compiler is loaded at run time.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const specFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../spec');
const target = join(specFolder, 'validator.generated.ts');

/** Writes the validator unless it is there and current, so that parallel runs don't disturb each other. */
export function writeValidator() {
  const code = generateValidator();
  if (readIfThere(target) !== code) writeFileSync(target, code);
}

function generateValidator() {
  const schema = JSON.parse(readFileSync(join(specFolder, 'config-schema.json'), 'utf8'));
  // Every finding is wanted: unknown fields become warnings only when nothing else is wrong.
  const ajv = new Ajv({ allErrors: true, inlineRefs: false, code: { source: true, esm: true } });
  const code = standalone.default(ajv, ajv.compile(schema));
  return `// Made from config-schema.json by \`npm run build\`; not kept in git.
// @ts-nocheck
import type { SchemaFinding } from './check-shape.ts';
${code.replace('export const validate = ', 'export const validate: Validate = ').replace(/export default \w+;/, '')}
interface Validate {
  (value: unknown): boolean;
  errors?: readonly SchemaFinding[] | null;
}
`;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeValidator();
