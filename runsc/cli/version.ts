// What `runsc --version` prints. Its lines are those that container engines look for in runc's.

/** The version of package.json, put in by the build. */
declare const RUNSC_VERSION: string | undefined;

/** The newest version of the OCI runtime specification that is understood. */
const SPEC_VERSION = '1.2.1';

export function versionText(): string {
  const version = typeof RUNSC_VERSION === 'undefined' ? 'unbuilt' : RUNSC_VERSION;
  return `runsc version ${version}\nspec: ${SPEC_VERSION}\nnode: ${process.version.slice(1)}\n`;
}
