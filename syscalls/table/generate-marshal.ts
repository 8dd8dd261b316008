/** Writes nati../../native/include/marshal_table.h; the tables need the built addon, so this runs after the first build. */
import { writeFileSync } from 'node:fs';
import { marshalHeader } from './marshal.ts';

writeFileSync(new URL('../../native/include/marshal_table.h', import.meta.url), marshalHeader());
