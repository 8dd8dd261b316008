// The platforms that --platform may name, the default one first. Known here by name only: loading a platform
// loads the addon.

export interface PlatformInfo {
  readonly name: string;
  readonly description: string;
}

export const PLATFORMS: readonly PlatformInfo[] = [
  { name: 'systrap', description: 'seccomp traps and patched call sites' },
];
