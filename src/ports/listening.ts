/** Where a server of this machine listens, which is for what the user bound the node to, and changes with it. */

/** Where to listen: an address, and the device that the kernel is to hold the socket to, if any. */
export interface Place {
  readonly host: string;
  readonly device: string | undefined;
}

/** Equal for places whose sockets are the same: a device that was made anew has the old one's name. */
export type PlaceKey = string;

export interface ListeningPlaces {
  /**
   * Where to listen now, each address by itself: an answer leaves by the one that was asked, and other programs keep the
   * port at theirs. None while what the node is bound to is gone.
   */
  exactPlaces(): ReadonlyMap<PlaceKey, Place>;
  /**
   * Opens a socket that is bound there and held to the place's device: its descriptor.
   * @returns undefined when the system refuses, or the place has no device
   */
  heldSocket(kind: 'tcp' | 'udp', place: Place, port: number): number | undefined;
  /** Calls back when the exact places have changed. */
  watchPlaces(changed: () => void): void;
}
