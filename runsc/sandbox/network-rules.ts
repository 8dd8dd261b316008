// Rules about destinations, as --net-allow, --net-deny and annotations write them, and their form for the broker.

import { isIP } from 'node:net';

/** What resolves names: the host's resolver (getaddrinfo(3)). */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** A rule taken apart. */
interface Rule {
  readonly host: string;
  /** Absent: the whole address. */
  readonly prefix?: number;
  /** 0: any. */
  readonly port: number;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62}\.?)+$/i;

/**
 * `ADDRESS[/PREFIX][:PORT]`, with an IPv6 address in brackets when a port follows, or `NAME[:PORT]`. Throws for
 * anything else.
 */
export function parseRule(text: string): Rule {
  const match =
    /^(?:\[([^\]]*)\]|([^:]*)|([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*(?:\/\d+)?))(?::(\d{1,5}))?$/i.exec(text);
  const network = match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
  const port = Number(match?.[4] ?? 0);
  const [host = '', length, more] = network.split('/');
  const version = isIP(host);
  const wrong = new Error(
    `invalid network rule ${JSON.stringify(text)}: must be CIDR[:PORT], [IPV6]:PORT or NAME[:PORT]`,
  );
  if (more !== undefined || port > 65535 || (match?.[4] !== undefined && port === 0)) throw wrong;
  if (version === 0) {
    if (length !== undefined || match?.[1] !== undefined || !NAME.test(host)) throw wrong;
    return { host, port };
  }
  if (length === undefined) return { host, port };
  const prefix = Number(length);
  if (!/^\d{1,3}$/.test(length) || prefix > (version === 4 ? 32 : 128)) throw wrong;
  return { host, prefix, port };
}

/**
 * A rule as records of the launch plan: `ADDRESS/PREFIX PORT TEXT`, one for each address of a name as it resolves now.
 */
export async function ruleRecords(text: string, resolve: Resolve): Promise<string[]> {
  const { host, prefix, port } = parseRule(text);
  const addresses = isIP(host) !== 0 ? [host] : await resolve(host);
  return [...new Set(addresses)].map(
    (address) => `${address}/${prefix ?? (isIP(address) === 4 ? 32 : 128)} ${port} ${text}`,
  );
}
