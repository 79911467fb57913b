/** The part of parse-torrent 11.0.24 that is used; what it returns is typed by our validators, not by its promises. */
declare module 'parse-torrent' {
  export default function parseTorrent(torrent: string | Uint8Array): Promise<unknown>;
}
