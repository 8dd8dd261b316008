// The names of a container’s host: a new uts namespace begins with those of its maker (uts_namespaces(7)).

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import type { Spec } from '../spec/spec.ts';

export function utsNames(spec: Spec): { hostname: string; domainname: string } {
  return {
    hostname: isGiven(spec.hostname) ? spec.hostname : hostname(),
    domainname: isGiven(spec.domainname)
      ? spec.domainname
      : readFileSync('/proc/sys/kernel/domainname', 'utf8').trimEnd(),
  };
}

function isGiven(name: string | undefined): name is string {
  return name !== undefined && name !== '';
}
