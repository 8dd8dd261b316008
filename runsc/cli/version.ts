// What `runsc --version` prints. Its lines are those that container engines look for in runc's.

import { SPEC_VERSION } from '../spec/names.ts';

/** The version of package.json, put in by the build. */
declare const RUNSC_VERSION: string | undefined;

export function versionText(): string {
  return `runsc version ${runtimeVersion()}\nspec: ${SPEC_VERSION}\nnode: ${process.version.slice(1)}\n`;
}

export function runtimeVersion(): string {
  return typeof RUNSC_VERSION === 'undefined' ? 'unbuilt' : RUNSC_VERSION;
}
