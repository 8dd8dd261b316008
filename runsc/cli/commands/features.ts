// `runsc features`: what this runtime supports (features.md of the specification), for container engines.

import { FEATURES } from '../../container/features.ts';
import { STDOUT, writeAll } from '../output.ts';
import { runtimeVersion } from '../version.ts';

export function features(): number {
  const annotations = {
    'org.opencontainers.runc.checkpoint.enabled': 'false',
    'dev.runsc.version': runtimeVersion(),
  };
  writeAll(STDOUT, `${JSON.stringify({ ...FEATURES, annotations }, null, 4)}\n`);
  return 0;
}
