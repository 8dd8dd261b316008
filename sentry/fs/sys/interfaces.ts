/** class/net and devices/virtual/net of sysfs for interfaces that come and go: those of the host's namespace. */
import { EINVAL, ENOENT } from '../../abi/errno.ts';
import { dtype } from '../../abi/stat.ts';
import type { Link } from '../../net/stack/host/links.ts';
import type { Inode } from '../../vfs/inode.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { DynamicDirectory, StaticDirectory } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import type { PseudoFilesystem } from '../pseudo/filesystem.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';

export type Links = () => readonly Link[];

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;
const IFF_DORMANT = 0x20000;
/** What netlink's flags have beside those of the device. */
const STATES = IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT | 0x40000;
const OPERSTATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];

/** What a file says of an interface; null: it is down, and the file cannot be read. */
const ATTRIBUTES: Readonly<Record<string, (link: Link) => string | number | null>> = {
  addr_len: ({ address }) => (address === '' ? 0 : (address.length + 1) / 3),
  address: ({ address }) => address,
  broadcast: ({ broadcast }) => broadcast,
  carrier: ({ flags, carrier }) => ((flags & IFF_UP) !== 0 ? carrier : null),
  carrier_changes: ({ carrierChanges }) => carrierChanges,
  carrier_down_count: ({ carrierDowns }) => carrierDowns,
  carrier_up_count: ({ carrierUps }) => carrierUps,
  dev_id: () => '0x0',
  dev_port: () => 0,
  dormant: ({ flags }) => ((flags & IFF_UP) === 0 ? null : (flags & IFF_DORMANT) !== 0 ? 1 : 0),
  flags: ({ flags }) => `0x${((flags & ~STATES) >>> 0).toString(16)}`,
  ifalias: ({ alias }) => alias,
  ifindex: ({ index }) => index,
  iflink: ({ lower }) => lower,
  link_mode: ({ linkMode }) => linkMode,
  mtu: ({ mtu }) => mtu,
  netdev_group: ({ group }) => group,
  operstate: ({ operstate }) => OPERSTATES[operstate] ?? 'unknown',
  proto_down: ({ protoDown }) => protoDown,
  tx_queue_len: ({ txQueueLength }) => txQueueLength,
  type: ({ type }) => type,
  uevent: ({ name, index }) => `INTERFACE=${name}\nIFINDEX=${index}`,
};

/** In the order of struct rtnl_link_stats64. */
const STATISTICS = [
  'rx_packets', 'tx_packets', 'rx_bytes', 'tx_bytes', 'rx_errors', 'tx_errors', 'rx_dropped', 'tx_dropped',
  'multicast', 'collisions', 'rx_length_errors', 'rx_over_errors', 'rx_crc_errors', 'rx_frame_errors',
  'rx_fifo_errors', 'rx_missed_errors', 'tx_aborted_errors', 'tx_carrier_errors', 'tx_fifo_errors',
  'tx_heartbeat_errors', 'tx_window_errors', 'rx_compressed', 'tx_compressed', 'rx_nohandler',
]; // prettier-ignore

/** A directory with an entry for each interface. */
class InterfaceDirectory extends DynamicDirectory {
  private readonly links: Links;
  private readonly make: (name: string) => Inode;
  private readonly made = new Map<string, Inode>();

  constructor(fs: PseudoFilesystem, links: Links, make: (name: string) => Inode) {
    super(fs);
    this.links = links;
    this.make = make;
  }

  override lookup(name: string): Inode | number {
    return this.links().some((link) => link.name === name) ? this.inodeOf(name) : -ENOENT;
  }

  protected override listFrom(): DynamicEntry[] {
    return this.links().map(({ name, index }) => {
      const { ino, mode } = this.inodeOf(name);
      return { name, ino, dtype: dtype(mode), offset: FIRST_ENTRY + index };
    });
  }

  private inodeOf(name: string): Inode {
    let inode = this.made.get(name);
    if (inode === undefined) this.made.set(name, (inode = this.make(name)));
    return inode;
  }
}

/** `classes` and `virtual` are /sys/class and /sys/devices/virtual. */
export function addInterfaces(
  fs: PseudoFilesystem,
  classes: StaticDirectory,
  virtual: StaticDirectory,
  links: Links,
): void {
  const link = (name: string): Inode => new PseudoSymlink(fs, `../../devices/virtual/net/${name}`);
  classes.add('net', new InterfaceDirectory(fs, links, link));
  virtual.add('net', new InterfaceDirectory(fs, links, (name) => attributesOf(fs, name, links)));
}

function attributesOf(fs: PseudoFilesystem, name: string, links: Links): StaticDirectory {
  const directory = new StaticDirectory(fs);
  const file = (say: (link: Link) => string | number | null): GeneratedFile =>
    new GeneratedFile(fs, 0o444, () => {
      const found = links().find((link) => link.name === name);
      const value = found === undefined ? null : say(found);
      // A device without a name for itself has an empty file, not a line.
      return value === null ? -EINVAL : value === '' ? '' : `${value}\n`;
    });
  for (const [attribute, say] of Object.entries(ATTRIBUTES)) directory.add(attribute, file(say));
  const statistics = directory.directory('statistics');
  STATISTICS.forEach((counter, i) =>
    statistics.add(
      counter,
      file((link) => link.statistics[i] ?? 0),
    ),
  );
  directory.add('subsystem', new PseudoSymlink(fs, '../../../../class/net'));
  return directory;
}
