/** Broken invariants. A guest mistake never comes here: it gets an errno. */

export class Panic extends Error {
  override readonly name = 'Panic';
}

/** Ends the sandbox: the kernel's own state cannot be trusted any more. */
export function panic(message: string): never {
  throw new Panic(message);
}
