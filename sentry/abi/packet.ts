/** packet(7): link-level sockets. */
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_ALL = 0x0003;
export const ETH_HEADER = 14;

export const PACKET_HOST = 0;
export const PACKET_OUTGOING = 4;

export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_DROP_MEMBERSHIP = 2;
export const PACKET_STATISTICS = 6;
export const PACKET_AUXDATA = 8;
export const PACKET_RESERVE = 12;
export const PACKET_IGNORE_OUTGOING = 23;

/** struct sockaddr_ll: with 8 bytes of address, and where these begin. */
export const SOCKADDR_LL_SIZE = 20;
export const SOCKADDR_LL_MIN = 12;
/** struct packet_mreq. */
export const PACKET_MREQ_SIZE = 16;
