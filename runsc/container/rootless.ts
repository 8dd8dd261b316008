// What changes for callers without privileges.

import { inUserNamespace, isMapped } from '../sandbox/user-namespace.ts';

import type { RuntimeOptions } from './container.ts';

/** nobody and nogroup, which user namespaces show for everyone who isn't mapped; the Sentry runs as them. */
export const NOBODY = 65534;

/** An ordinary user, or root of a user namespace with so few ids that a namespace of our own has to be made in it. */
export function isRootless(): boolean {
  return process.geteuid!() !== 0 || !isMapped(NOBODY);
}

/** As runc: who isn't really root has cgroups only where somebody gave them to him. */
export function cgroupsAreOptional({ rootless }: RuntimeOptions): boolean {
  if (rootless === '' || rootless === 'auto') return isRootless() || inUserNamespace();
  if (/^(1|t|T|true|TRUE|True)$/.test(rootless)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(rootless)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(rootless)}: invalid syntax`);
}
