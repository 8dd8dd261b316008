/** For what has to be fast: CPU time of this process in ms, which other programs on the machine do not add to. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
