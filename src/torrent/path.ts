/**
 * Names from a torrent become names that are safe on every disk (SAFETY rule 9), the same on every platform: what a
 * file is called must not depend on who downloads it. An element never holds a separator, never climbs, never hides
 * behind invisible characters, and no two files of a torrent meet on a disk that folds case or normalises Unicode.
 * Containment below a directory, and links already on the disk, are the store's to check.
 */
import { INVISIBLE, lossyTextOfUtf8, type Steps } from '../base/index.ts';

/** Longest element before its extension, in UTF-8 bytes; with extension and number it stays under 255. */
const STEM_BYTES_MAX = 240;
/** Longest extension that a cut name keeps, its dot included. */
const EXTENSION_BYTES_MAX = 10;
/** Most files that may be renamed out of one name's way before the torrent counts as hostile. */
export const NAMESAKES_MAX = 30;
/** Paths compared between two rests; each may be deep, and renamed NAMESAKES_MAX times. */
const PATHS_A_STEP = 64;

/** What stands for an element of which nothing is left. */
export const NAMELESS = '_';

const SEPARATORS = /[/\\]/g;
const REPLACED = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd?<>"|*:]/g;
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
/** Nothing in such a name needs cleaning unless it is reserved; most names are such. */
const PLAIN = /^(?:[\w()[\],+=#&!'-][\w()[\],+=#&!' .-]{0,198})?[\w()[\],+=#&!'-]$/;

/** One path element from its bytes: never empty, at most 250 UTF-8 bytes, the same again when cleaned again. */
export function cleanPathElement(bytes: Uint8Array): string {
  const text = lossyTextOfUtf8(bytes);
  if (PLAIN.test(text)) return RESERVED.test(text) ? `_${text}` : text;
  const visible = text.replace(SEPARATORS, '').replace(INVISIBLE, '').replace(REPLACED, '_');
  const short = withoutTrail(shortened(withoutTrail(visible)));
  if (short === '') return NAMELESS;
  return RESERVED.test(short) ? `_${short}` : short;
}

/**
 * Renames files so that no two paths of a torrent name the same place on any disk, and none names a directory that
 * another needs: `a.txt` becomes `a.1.txt`. Undefined when more than NAMESAKES_MAX want one name.
 */
export function* distinctPaths(
  paths: readonly (readonly string[])[],
): Steps<readonly (readonly string[])[] | undefined> {
  const places = new Places();
  const parents: number[] = [];
  for (const [i, path] of paths.entries()) {
    if (i % PATHS_A_STEP === 0) yield;
    parents.push(places.directory(path.slice(0, -1)));
  }
  const distinct: (readonly string[])[] = [];
  for (const [i, path] of paths.entries()) {
    if (i % PATHS_A_STEP === 0) yield;
    const wanted = path.at(-1)!;
    const name = places.take(parents[i]!, wanted);
    if (name === undefined) return undefined;
    distinct.push(name === wanted ? path : [...path.slice(0, -1), name]);
  }
  return distinct;
}

/** Every place a torrent uses: its directories first, then one file after another. Linear in the names' lengths. */
class Places {
  /** Directories by their parent's number and folded name. */
  readonly #directories = new Map<string, number>();
  readonly #files = new Set<string>();

  /** The number of a directory; 0 is where the torrent itself lies. */
  directory(path: readonly string[]): number {
    let number = 0;
    for (const element of path) {
      const place = `${number}/${folded(element)}`;
      number = this.#directories.get(place) ?? this.#directories.size + 1;
      this.#directories.set(place, number);
    }
    return number;
  }

  /** Takes a free name like the wanted one. */
  take(directory: number, wanted: string): string | undefined {
    for (let namesakes = 0; namesakes <= NAMESAKES_MAX; namesakes++) {
      const name = namesakes === 0 ? wanted : numbered(wanted, namesakes);
      const place = `${directory}/${folded(name)}`;
      if (this.#directories.has(place) || this.#files.has(place)) continue;
      this.#files.add(place);
      return name;
    }
    return undefined;
  }
}

function numbered(name: string, number: number): string {
  const [stem, extension] = splitExtension(name);
  return `${stem}.${number}${extension}`;
}

/** Equal for names that some disk takes for the same: full case folding, canonical composition. */
function folded(name: string): string {
  if (/^[\u0020-\u007e]*$/.test(name)) return name.toLowerCase();
  return name.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/** Without dots and spaces at the end. A loop, because the regular expression for it is quadratic in them. */
function withoutTrail(name: string): string {
  let end = name.length;
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--;
  return name.slice(0, end);
}

function shortened(name: string): string {
  if (utf8Length(name) <= STEM_BYTES_MAX) return name;
  const [stem, extension] = splitExtension(name);
  return firstBytes(stem, STEM_BYTES_MAX) + extension;
}

/** A name without and with only its extension, which is short, not empty, and not the whole name. */
function splitExtension(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && dot < name.length - 1 ? name.slice(dot) : '';
  if (extension === '' || utf8Length(extension) > EXTENSION_BYTES_MAX) return [name, ''];
  return [name.slice(0, dot), extension];
}

/** As many whole characters as fit. */
function firstBytes(text: string, bytesMax: number): string {
  let bytes = 0;
  let units = 0;
  for (const character of text) {
    bytes += utf8Length(character);
    if (bytes > bytesMax) break;
    units += character.length;
  }
  return text.slice(0, units);
}

/** Bytes of a well-formed text in UTF-8. Counted, because encoding each of 100,000 names costs a second in garbage. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate is half of a character of four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
