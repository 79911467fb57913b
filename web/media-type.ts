/**
 * What the usual files are, by the end of their names, for browsers and players. Pure. Invariant: nothing here is a type
 * that a browser takes script from: a torrent's files are strangers' work, and are served beside the local page.
 */

const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mkv: 'video/x-matroska',
  webm: 'video/webm',
  avi: 'video/x-msvideo',
  mov: 'video/quicktime',
  wmv: 'video/x-ms-wmv',
  flv: 'video/x-flv',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  ts: 'video/mp2t',
  m2ts: 'video/mp2t',
  ogv: 'video/ogg',
  '3gp': 'video/3gpp',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  m4b: 'audio/mp4',
  aac: 'audio/aac',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  wav: 'audio/wav',
  wma: 'audio/x-ms-wma',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  txt: 'text/plain; charset=utf-8',
  md: 'text/plain; charset=utf-8',
  nfo: 'text/plain; charset=utf-8',
  log: 'text/plain; charset=utf-8',
  srt: 'text/plain; charset=utf-8',
  sub: 'text/plain; charset=utf-8',
  ass: 'text/plain; charset=utf-8',
  vtt: 'text/plain; charset=utf-8',
};
/** Of everything else: to be kept, not shown. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** The media type of a file by its name. */
export function mediaTypeOf(name: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TYPES, ending) ? TYPES[ending]! : UNKNOWN_TYPE;
}

/** What a player plays. */
export function isPlayable(name: string): boolean {
  return /^(?:audio|video)\//.test(mediaTypeOf(name));
}

/** What a browser shows, or tries to. */
export function isShowable(name: string): boolean {
  return mediaTypeOf(name) !== UNKNOWN_TYPE;
}
