/** Mount options of proc (proc(5)): hidepid= and gid=; others are let pass, as runtimes do. */

const HIDEPID_NAMES: readonly string[] = ['off', 'noaccess', 'invisible'];

export function parseProcOptions(text: string): { hidepid: number; gid: number } {
  let hidepid = 0;
  let gid = 0;
  for (const part of text.split(',')) {
    const [name, value = ''] = part.split('=', 2);
    if (name === 'hidepid') {
      const named = HIDEPID_NAMES.indexOf(value);
      hidepid = named >= 0 ? named : value === 'ptraceable' ? 2 : Math.min(2, Number(value) || 0);
    } else if (name === 'gid') {
      gid = Number(value) || 0;
    }
  }
  return { hidepid, gid };
}
