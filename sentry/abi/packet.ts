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

export const PACKET_RX_RING = 5;
export const PACKET_COPY_THRESH = 7;
export const PACKET_ORIGDEV = 9;
export const PACKET_VERSION = 10;
export const PACKET_HDRLEN = 11;
export const PACKET_LOSS = 14;
export const PACKET_TIMESTAMP = 17;
export const PACKET_TX_HAS_OFF = 19;
export const PACKET_QDISC_BYPASS = 20;

export const TPACKET_V1 = 0;
export const TPACKET_V2 = 1;
export const TPACKET_V3 = 2;
/** Headers of frames in a ring by version, without struct sockaddr_ll behind them. */
export const TPACKET_HEADERS = [32, 32, 48] as const;
export const TPACKET_ALIGNMENT = 16;
/** struct tpacket_req, tpacket_req3, tpacket_auxdata. */
export const TPACKET_REQ_SIZE = 16;
export const TPACKET_REQ3_SIZE = 28;
export const TPACKET_AUXDATA_SIZE = 20;

export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1;
export const TP_STATUS_LOSING = 4;
export const TP_STATUS_BLK_TMO = 0x20;
