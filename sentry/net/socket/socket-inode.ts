/** Inodes of sockets (sockfs). */
import { EOPNOTSUPP } from '../../abi/errno.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../abi/inet.ts';
import { AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, SOCK_RAW, SOCK_STREAM } from '../../abi/socket.ts';
import { S_IFSOCK } from '../../abi/stat.ts';
import { AnonFilesystem, AnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';

const sockfs = new AnonFilesystem('sockfs', 8, 0x534f434b);
const PROTOCOL_NAME = 'system.sockprotoname';

/** The inode of a socket: tells the protocol's name to lsof(8) (xattr(7), "system"). */
export class SocketInode extends AnonInode {
  private readonly protocol: string;

  constructor(ctx: CallerContext, family: number, type: number, protocol: number) {
    super(sockfs, S_IFSOCK | 0o777, ctx.creds.fsuid, ctx.creds.fsgid);
    this.protocol = protocolName(family, type, protocol);
  }
  override getxattr(name: string): Uint8Array | number {
    return name === PROTOCOL_NAME ? Buffer.from(`${this.protocol}\0`, 'latin1') : -EOPNOTSUPP;
  }
  override listxattr(): string[] {
    return [PROTOCOL_NAME];
  }
}

function protocolName(family: number, type: number, protocol: number): string {
  switch (family) {
    case AF_UNIX:
      return type === SOCK_STREAM ? 'UNIX-STREAM' : 'UNIX';
    case AF_NETLINK:
      return 'NETLINK';
    case AF_PACKET:
      return 'PACKET';
    default: {
      let base = 'UDP';
      if (type === SOCK_STREAM) base = 'TCP';
      else if (type === SOCK_RAW) base = 'RAW';
      else if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) base = 'PING';
      return family === AF_INET6 ? `${base}v6` : base;
    }
  }
}
