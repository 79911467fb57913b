/** Bytes of an IPv4 address and port (BEP 23). */
export const ENDPOINT4_BYTES = 6;
/** Bytes of an IPv6 address and port (BEP 7). */
export const ENDPOINT6_BYTES = 18;
