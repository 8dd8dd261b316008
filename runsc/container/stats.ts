// A container's statistics as `runsc events` prints them, in runc's form, and how cgroup files are read for them.

/** A counter: a number, or beyond what one holds exactly, its digits behind a `#`. See formatStats. */
export type Count = number | string;

export interface Usage {
  limit: Count;
  usage?: Count;
  max?: Count;
  failcnt: Count;
}

export interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: Count;
}

export interface Stats {
  cpu: {
    usage: {
      total?: Count;
      percpu?: Count[];
      percpu_kernel?: Count[];
      percpu_user?: Count[];
      kernel: Count;
      user: Count;
    };
    throttling: { periods?: Count; throttledPeriods?: Count; throttledTime?: Count };
  };
  cpuset: Record<string, Count | number[]>;
  memory: {
    cache?: Count;
    usage: Usage;
    swap: Usage;
    kernel: Usage;
    kernelTCP: Usage;
    raw: Record<string, Count>;
  };
  pids: { current?: Count; limit?: Count };
  blkio: Record<string, BlkioEntry[]>;
  hugetlb: Record<string, Usage>;
  intel_rdt: Record<string, never>;
  network_interfaces: null;
}

/** One line; counters of 64 bits keep all their digits. */
export function formatEvent(type: string, id: string, data?: Stats): string {
  const line = JSON.stringify({ type, id, ...(data === undefined ? {} : { data }) });
  return `${line.replace(/"#(\d+)"/g, '$1')}\n`;
}

export function count(digits: string | undefined): Count {
  if (digits === undefined || !/^\d+$/.test(digits)) return 0;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : `#${digits}`;
}

/** A file of `name value` lines. */
export function parseKeyed(text: string | undefined): Record<string, Count> {
  const values: Record<string, Count> = {};
  for (const line of (text ?? '').split('\n')) {
    const [name, digits] = line.split(' ');
    if (name !== undefined && digits !== undefined) values[name] = count(digits);
  }
  return values;
}

/** cpuset(7), "List format". */
export function parseList(text: string | undefined): number[] {
  const members: number[] = [];
  for (const part of (text ?? '').split(',').filter((piece) => piece !== '')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let member = first; member <= last; member++) members.push(member);
  }
  return members;
}
