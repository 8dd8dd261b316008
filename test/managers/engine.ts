// Docker and Podman are called alike: an engine of a machine, as the tests call it.

import { expect } from 'vitest';

import type { Machine, Output } from './machine.ts';

export class Engine {
  readonly #program: string;
  readonly #removal: string;
  #machine: Machine | undefined;

  /** `program` is what is typed before `run`, `exec` and so on; `removal` ends a container at once. */
  constructor(program: string, removal: string) {
    this.#program = program;
    this.#removal = removal;
  }

  get machine(): Machine {
    if (this.#machine === undefined) throw new Error('no machine yet');
    return this.#machine;
  }

  set machine(machine: Machine) {
    this.#machine = machine;
  }

  async call(line: string, input = ''): Promise<Output> {
    return await this.machine.run(['sh', '-c', `${this.#program} ${line}`], input);
  }

  /** Its output; throws unless it ends with 0. */
  async succeed(line: string, timeoutMs?: number): Promise<string> {
    return await this.machine.shell(`${this.#program} ${line}`, timeoutMs);
  }

  async terminal(line: string, keys: readonly [wait: string, type: string][] = []): Promise<Output> {
    return await this.machine.terminal(`stty rows 33 cols 99; ${this.#program} ${line}`, keys);
  }

  async inspect(field: string, name: string): Promise<string> {
    return await this.succeed(`inspect --format '{{${field}}}' ${name}`);
  }

  /** Running or not. */
  async remove(...names: string[]): Promise<void> {
    await this.succeed(`${this.#removal} ${names.join(' ')}`);
  }

  async nothingLeft(): Promise<void> {
    expect(await this.machine.leftovers()).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#machine?.close();
  }
}
