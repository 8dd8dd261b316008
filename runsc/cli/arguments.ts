// Go's flag syntax made ordinary: `-flag v`, `-flag=v`, `--flag=true` and `-b=v` all become what commander reads.
// Container managers write runc's flags in any of these forms.

import { UsageError } from './usage-error.ts';

import type { Command, Option } from 'commander';

/** A flag together with its value, or a boolean that is set; `name` is the long name without dashes. */
interface Flags {
  readonly tokens: string[];
  readonly operands: string[];
}

/**
 * The arguments (without node and script) in commander's form: global flags, command, its flags, `--`, operands.
 * Throws UsageError in runc's words for unknown flags and commands, missing and malformed values.
 */
export function normalizeArguments(program: Command, args: readonly string[]): string[] {
  const global = takeFlags(program, args, 'stop at the first operand');
  const name = global.operands[0];
  if (name === undefined) return global.tokens;
  const command = program.commands.find(
    (candidate) => candidate.name() === name || candidate.aliases().includes(name),
  );
  if (command === undefined) {
    if (name === 'help' && isCommand(program, global.operands[1])) return global.operands;
    throw new UsageError(`No help topic for '${name === 'help' ? global.operands[1]! : name}'`, 3);
  }
  const rest = global.operands.slice(1);
  const mode = stopsAtOperand.has(command) ? 'stop at the first operand' : 'anywhere';
  const { tokens, operands } = takeFlags(command, rest, mode);
  if (!tokens.includes('--help')) checkCount(command, operands.length);
  return [...global.tokens, name, ...tokens, '--', ...operands];
}

function isCommand(program: Command, name: string | undefined): boolean {
  return name === undefined || program.commands.some((candidate) => candidate.name() === name);
}

/** Commands whose operands are a command line of its own, with flags that are not ours. */
const stopsAtOperand = new WeakSet<Command>();

export function stopAtOperand(command: Command): Command {
  stopsAtOperand.add(command);
  return command;
}

function takeFlags(
  command: Command,
  args: readonly string[],
  mode: 'anywhere' | 'stop at the first operand',
): Flags {
  const tokens: string[] = [];
  const operands: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (mode !== 'anywhere') {
        operands.push(...args.slice(i));
        break;
      }
      operands.push(arg);
      continue;
    }
    const [, name, value] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg)!;
    const option = findOption(command, name!);
    if (option === 'help') {
      tokens.push('--help');
    } else if (!option.required) {
      if (parseBoolean(name!, value ?? 'true')) tokens.push(option.long!);
    } else if (value !== undefined) {
      tokens.push(`${option.long!}=${value}`);
    } else {
      i++;
      if (i >= args.length) throw new UsageError(`flag needs an argument: -${name!}`);
      tokens.push(`${option.long!}=${args[i]!}`);
    }
  }
  return { tokens, operands };
}

function findOption(command: Command, name: string): Option | 'help' {
  if (name === 'h' || name === 'help') return 'help';
  const option = command.options.find(({ long, short }) => long === `--${name}` || short === `-${name}`);
  if (option === undefined) throw new UsageError(`flag provided but not defined: -${name}`);
  return option;
}

/** strconv.ParseBool. */
function parseBoolean(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value ${JSON.stringify(value)} for -${name}: parse error`);
}

function checkCount(command: Command, count: number): void {
  const names = command.registeredArguments;
  const least = names.filter((argument) => argument.required).length;
  const most = names.some((argument) => argument.variadic) ? Infinity : names.length;
  if (count >= least && count <= most) return;
  const wanted =
    least === most ? `exactly ${least}` : count < least ? `a minimum of ${least}` : `a maximum of ${most}`;
  throw new UsageError(`runsc: "${command.name()}" requires ${wanted} argument(s)`);
}
