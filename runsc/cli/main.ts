// The entry point of the command line: one command, then the exit code.

import { STDOUT, writeAll } from './output.ts';
import { versionText } from './version.ts';

// RUNSC_IMAGE: runsc/sandbox/image-maker.ts asks for an image of this program.
if (process.argv.length === 2 && process.env['RUNSC_IMAGE'] !== undefined) {
  void import('./image.ts').then(({ runFromImage }) => runFromImage(main));
} else {
  void main(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode));
}

/** Runs one command line. Every failure becomes one line on stderr and one record in --log. */
async function main(args: readonly string[]): Promise<number> {
  // Asked for before every start by some engines, so nothing else is loaded for it.
  if (args.length === 1 && /^(--?version|-v)$/.test(args[0]!)) {
    writeAll(STDOUT, versionText());
    return 0;
  }
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(args);
}
