/**
 * Keeps one object of each class that a rehearsal has made. V8's optimized code knows objects by their hidden classes
 * and is thrown away with them, and they go with the last object that has them.
 */

const kept = new Map<string, object>();
/** More than a rehearsal makes. */
const LIMIT = 500_000;

/** All that can be reached from here by properties and collections. */
export function keepShapes(root: object): void {
  const seen = new Set<object>([root]);
  for (const each of seen) {
    if (seen.size > LIMIT) return;
    if (ArrayBuffer.isView(each)) continue;
    keep(each);
    for (const value of contents(each)) if (typeof value === 'object' && value !== null) seen.add(value);
  }
}

function contents(each: object): Iterable<unknown> {
  if (each instanceof Map)
    return [...(each.keys() as Iterable<unknown>), ...(each.values() as Iterable<unknown>)];
  if (each instanceof Set || Array.isArray(each)) return each as Iterable<unknown>;
  return Object.values(each) as unknown[];
}

/** The same fields in another order, or some of them as numbers, are another hidden class. */
function keep(each: object): void {
  const fields = Object.entries(each).map(([name, value]) => `${name}:${typeof value}`);
  const shape = Array.isArray(each) ? 'Array' : `${each.constructor.name} ${fields.join()}`;
  if (!kept.has(shape)) kept.set(shape, each);
}
