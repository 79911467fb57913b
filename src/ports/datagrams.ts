/** Datagrams answered by the batch, which not every system has calls for. A server of datagrams asks for it where it opens. */

/**
 * Answers one datagram.
 * @param ip of its source, 4 or 16 bytes; an IPv4 address in the form of an IPv6 one is 4
 * @param reply takes the answer
 * @returns the answer's length; 0 for none
 */
export type AnswerDatagram = (bytes: Uint8Array, ip: Uint8Array, reply: Uint8Array) => number;

/** Answers what has come to a socket, as much as fits one batch; returns whether there may be more. An answer may get lost. */
export type Exchange = (answer: AnswerDatagram) => boolean;

export interface Batching {
  /** Opens a UDP socket at an address: its descriptor, or undefined when the system refuses. */
  open(host: string, port: number): number | undefined;
  /**
   * Prepares a batch for the socket of that descriptor.
   * @param bytesMax of a datagram and of an answer: what is longer comes cut, one byte past it
   */
  exchangeOf(fd: number, bytesMax: number): Exchange;
}
