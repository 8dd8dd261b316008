// Holds a parsed config.json against the schema: types are errors, unknown fields are warnings.

import { ConfigError, quote, type Warn } from './config-error.ts';
import { validate } from './validator.generated.ts';

import type { Spec } from './spec.ts';

/** One finding of the compiled schema, as ajv reports it. */
export interface SchemaFinding {
  /** JSON pointer to the value. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/**
 * Returns the value as a Spec. Throws ConfigError for the first wrong type, range or missing field. A field that
 * the schema does not know is passed to `warn` and left in place: newer tools write newer fields. A null field
 * counts as absent, as in every runtime written in Go.
 */
export function checkShape(value: unknown, warn: Warn): Spec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError('', 'must be an object');
  }
  dropNulls(value);
  if (validate(value)) return value as Spec;
  const findings = validate.errors ?? [];
  const error = findings.find((finding) => finding.keyword !== 'additionalProperties');
  if (error !== undefined) throw toError(error);
  for (const finding of findings) {
    const name = textParam(finding, 'additionalProperty');
    warn(`config.json: ${childField(fieldOfPointer(finding.instancePath), name)}: unknown field, ignored`);
  }
  return value as Spec;
}

function toError(finding: SchemaFinding): ConfigError {
  const field = fieldOfPointer(finding.instancePath);
  switch (finding.keyword) {
    case 'required':
      return new ConfigError(childField(field, textParam(finding, 'missingProperty')), 'is required');
    case 'minimum':
      return new ConfigError(field, `must be at least ${textParam(finding, 'limit')}`);
    case 'maximum':
      return new ConfigError(field, `must be at most ${textParam(finding, 'limit')}`);
    default:
      return new ConfigError(field, finding.message ?? `fails ${finding.keyword}`);
  }
}

function textParam(finding: SchemaFinding, name: string): string {
  return String(finding.params[name]);
}

/** `/mounts/3/options/0` is `mounts[3].options[0]`; names with other characters are quoted in brackets. */
function fieldOfPointer(pointer: string): string {
  let field = '';
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    field = /^\d+$/.test(name) ? `${field}[${name}]` : childField(field, name);
  }
  return field;
}

/** The field `name` of the object at `field`. */
export function childField(field: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `${field}[${quote(name)}]`;
  return field === '' ? name : `${field}.${name}`;
}

/** Deletes null fields of objects, deeply. Elements of arrays keep their places and stay wrong. */
function dropNulls(value: object): void {
  for (const [name, child] of Object.entries(value)) {
    if (typeof child === 'object' && child !== null) dropNulls(child as object);
    else if (child === null && !Array.isArray(value)) delete (value as Record<string, unknown>)[name];
  }
}
