// --overlay2: `none` or `{root|all}:{memory|self|dir=PATH}[,size=N]`. The command line has checked its form.

export interface Overlay {
  /** Over the rootfs. */
  readonly root: boolean;
  /** Over bind mounts. */
  readonly binds: boolean;
  /** Where contents of files go: absent for memory, else a host directory. */
  readonly directory?: string;
  /** 0: as the kernel sees fit. */
  readonly sizeBytes: number;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

export function parseOverlay(text: string, rootfs: string): Overlay {
  const colon = text.indexOf(':');
  const scope = colon < 0 ? text : text.slice(0, colon);
  const [medium = '', ...options] = colon < 0 ? [] : text.slice(colon + 1).split(',');
  const size = /^size=(\d+)([kmgt]?)$/i.exec(options.find((option) => option.startsWith('size=')) ?? '');
  const directory =
    medium === 'self' ? rootfs : medium.startsWith('dir=') ? medium.slice('dir='.length) : undefined;
  return {
    root: scope === 'root' || scope === 'all',
    binds: scope === 'all',
    ...(directory === undefined ? {} : { directory }),
    sizeBytes: size === null ? 0 : Number(size[1]) * UNITS[size[2]!.toLowerCase()]!,
  };
}
