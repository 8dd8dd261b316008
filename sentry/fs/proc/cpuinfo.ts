/** /proc/cpuinfo out of the host's: as many processors as the container has, topology fields made to match. */

/** `text` is the host's file. x86: one block per processor; arm64 adds no topology fields. */
export function listCpuBlocks(text: string, count: number): string {
  const blocks = text.split(/\n\n+/).filter((block) => /^processor\s*:/m.test(block));
  const model = blocks[0];
  if (model === undefined) return '';
  let out = '';
  for (let cpu = 0; cpu < count; cpu++) out += `${renumber(blocks[cpu] ?? model, cpu, count)}\n\n`;
  return out;
}

/** One socket, one thread per core: the simplest topology that is true of any set of processors. */
function renumber(block: string, cpu: number, count: number): string {
  const fields = new Map<string, number>([
    ['processor', cpu],
    ['physical id', 0],
    ['siblings', count],
    ['core id', cpu],
    ['cpu cores', count],
    ['apicid', cpu],
    ['initial apicid', cpu],
  ]);
  return block.replace(/^([a-z ]+?)(\t*: ?).*$/gm, (line: string, name: string, colon: string) => {
    const value = fields.get(name);
    return value === undefined ? line : `${name}${colon}${value}`;
  });
}
