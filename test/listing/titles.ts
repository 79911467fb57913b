/**
 * Names as they are found in listings: series, films, albums, games, programs and books, made from lists of words and
 * from names put together of syllables, so that common words are common and most words are rare. The same seed makes
 * the same rows.
 */
import type { Category } from '../../src/listing/index.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const ADJECTIVES = words(`silent golden broken hidden last lost dark bright frozen burning crimson distant endless final
  gentle hollow invisible jagged lonely little midnight narrow open painted quiet restless sacred secret shallow shining
  sleeping stolen strange sudden sunken tender terrible thirsty tiny twisted unknown vanishing velvet violent wandering
  wild winter wooden yellow young ancient bitter blue brave clever common cosmic crooked curious dangerous electric
  emerald eternal faithful fearless foolish forbidden forgotten fragile furious giant grand green haunted heavy holy
  honest humble impossible infinite innocent iron jealous kind liquid living lucky magnetic marble modern mortal naked
  noble northern ordinary pale patient perfect plastic private proud pure rapid reckless rotten royal rusty savage`);
const NOUNS = words(`valley harbor river mountain garden kingdom empire castle forest island ocean desert city village
  bridge tower window mirror shadow light fire storm thunder rain snow wind moon sun star planet galaxy machine engine
  robot computer network signal code cipher puzzle labyrinth maze journey voyage road street highway railway station
  airport hotel hospital prison school college library museum theatre circus carnival festival wedding funeral murder
  mystery secret promise betrayal revenge justice trial verdict witness detective lawyer doctor nurse teacher student
  soldier general captain sailor pirate hunter farmer baker butcher tailor painter singer dancer writer poet king queen
  prince princess knight wizard witch dragon wolf bear lion tiger eagle raven crow owl snake spider whale shark dolphin
  horse dog cat mouse rabbit fox deer apple orange lemon cherry rose lily orchid oak willow stone iron silver copper
  diamond crystal pearl glass paper letter diary memory dream nightmare silence echo whisper scream laughter tears blood
  bone heart soul spirit ghost angel demon heaven hell paradise memory hour minute century season summer autumn silicon
  bicycle lantern compass telescope violin piano trumpet accordion orchestra symphony balcony cathedral lighthouse`);
const PLACES =
  words(`paris london berlin vienna lisbon madrid oslo helsinki warsaw prague athens cairo nairobi lagos mumbai
  delhi kyoto osaka seoul hanoi sydney melbourne auckland toronto montreal chicago boston seattle denver dallas havana
  lima bogota santiago quito caracas istanbul tehran baghdad damascus jerusalem marrakesh tunis dakar accra samarkand`);
const SERIES = ['Silicon Valley', 'Stranger Tides', 'Northern Lights', 'The Lighthouse Keepers', 'Copper Canyon'];
const PROGRAMS =
  words(`Debian Ubuntu Fedora Arch Slackware Gentoo FreeBSD OpenBSD NetBSD Haiku ReactOS Minix Alpine Void
  LibreOffice Inkscape Blender Krita Audacity Ardour Darktable Kdenlive Scribus Octave Jupyter PostgreSQL Firefox`);
const RESOLUTIONS = ['720p', '1080p', '1080p', '2160p', '480p'];
const SOURCES = ['WEB-DL', 'WEBRip', 'BluRay', 'HDTV', 'DVDRip'];
const CODECS = ['x264', 'x265', 'H.264', 'HEVC', 'AV1'];
const FORMATS = ['FLAC', 'MP3 320', 'MP3 V0', 'OGG', 'ALAC'];
const SYLLABLES =
  words(`ba be bi bo bra bri ca ce cha chi co cre da de di do dra el en er fa fe fi fo ga ge gi gra ha he hi
  ho il in is ja jo ka ke ki ko kra la le li lo lu ma me mi mo mu na ne ni no nu or os pa pe pi po pra qui ra re ri ro ru
  sa se sha si so sta ta te thi to tra tu ul un va ve vi vo wa we wi xa ya yo za ze zi zo`);
const ENDINGS = words('n r s th ck ng son ton ville berg ski ov ez ini ard ell man sen dez wood ford');
const REMARKS = words(`complete edition remastered original soundtrack with subtitles english german french spanish
  commentary restored uncut extended bonus booklet scans lossless vinyl rip encoded by request seeded daily thanks to all
  who helped second release fixes audio sync includes extras`);

/** What a test or a bench needs of a row. */
export interface Title {
  readonly name: string;
  readonly category: Category;
  readonly tags: readonly string[];
  readonly description: string;
  readonly size: number;
  readonly files: number;
  /** The words by which a person would look for it. */
  readonly key: string;
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes titles one after the other. */
export class Titles {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): Title {
    const draw = this.#random();
    const remark = this.#random() < 0.4 ? this.#remark() : '';
    if (draw < 0.35) return { ...this.#series(), description: remark };
    if (draw < 0.6) return { ...this.#film(), description: remark };
    if (draw < 0.82) return { ...this.#album(), description: remark };
    if (draw < 0.9) return { ...this.#game(), description: remark };
    if (draw < 0.95) return { ...this.#program(), description: remark };
    return { ...this.#book(), description: remark };
  }

  #one<T>(of: readonly T[]): T {
    // Squared, so that the first ones are common.
    return of[Math.floor(this.#random() ** 2 * of.length)]!;
  }

  #whole(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  #name(): string {
    let name = '';
    for (let i = this.#whole(2, 3); i > 0; i--) name += this.#one(SYLLABLES);
    return capital(name + (this.#random() < 0.6 ? this.#one(ENDINGS) : ''));
  }

  #phrase(): string {
    const draw = this.#random();
    if (draw < 0.35) return `The ${capital(this.#one(ADJECTIVES))} ${capital(this.#one(NOUNS))}`;
    if (draw < 0.55) return `${capital(this.#one(ADJECTIVES))} ${capital(this.#one(NOUNS))}`;
    if (draw < 0.7) return `${this.#name()} and the ${capital(this.#one(NOUNS))}`;
    if (draw < 0.85) return `${capital(this.#one(NOUNS))} of ${capital(this.#one(PLACES))}`;
    return `${this.#name()}: ${capital(this.#one(NOUNS))} ${capital(this.#one(ADJECTIVES))}`;
  }

  #group(): string {
    return this.#name().toUpperCase();
  }

  #video(): string {
    return `${this.#one(RESOLUTIONS)}.${this.#one(SOURCES)}.${this.#one(CODECS)}-${this.#group()}`;
  }

  #series(): Omit<Title, 'description'> {
    const title = this.#random() < 0.02 ? this.#one(SERIES) : this.#phrase();
    const number = (value: number): string => String(value).padStart(2, '0');
    const part = `S${number(this.#whole(1, 9))}E${number(this.#whole(1, 24))}`;
    const name = `${title.replace(/\W+/g, '.')}.${part}.${this.#video()}`;
    const size = this.#whole(200, 4000) * 2 ** 20;
    return { name, category: 'movie', tags: ['tv'], size, files: this.#whole(1, 3), key: `${title} ${part}` };
  }

  #film(): Omit<Title, 'description'> {
    const title = this.#phrase();
    const year = this.#whole(1950, 2026);
    const name =
      this.#random() < 0.5 ? `${title} (${year}) ${this.#video()}` : `${title} ${year} ${this.#one(RESOLUTIONS)}`;
    const size = this.#whole(700, 20_000) * 2 ** 20;
    return { name, category: 'movie', tags: [], size, files: this.#whole(1, 5), key: `${title} ${year}` };
  }

  #album(): Omit<Title, 'description'> {
    const artist = this.#random() < 0.5 ? `${this.#name()} ${this.#name()}` : `The ${capital(this.#one(NOUNS))}s`;
    const title = this.#phrase();
    const name = `${artist} - ${title} (${this.#whole(1960, 2026)}) [${this.#one(FORMATS)}]`;
    const size = this.#whole(60, 900) * 2 ** 20;
    return { name, category: 'music', tags: [], size, files: this.#whole(8, 30), key: `${artist} ${title}` };
  }

  #game(): Omit<Title, 'description'> {
    const title = this.#phrase();
    const version = `v${this.#whole(1, 4)}.${this.#whole(0, 30)}.${this.#whole(0, 9)}`;
    const size = this.#whole(100, 80_000) * 2 ** 20;
    return {
      name: `${title} ${version}`,
      category: 'game',
      tags: [],
      size,
      files: this.#whole(1, 400),
      key: `${title} ${version}`,
    };
  }

  #program(): Omit<Title, 'description'> {
    const program = this.#one(PROGRAMS);
    const version = `${this.#whole(1, 40)}.${this.#whole(0, 12)}`;
    const name = `${program}-${version}-amd64-${this.#name().toLowerCase()}.iso`;
    const size = this.#whole(50, 5000) * 2 ** 20;
    return { name, category: 'application', tags: [], size, files: 1, key: name.slice(0, -4).replace(/-/g, ' ') };
  }

  #book(): Omit<Title, 'description'> {
    const author = `${this.#name()} ${this.#name()}`;
    const title = this.#phrase();
    const size = this.#whole(100, 30_000) * 1024;
    return {
      name: `${author} - ${title}.epub`,
      category: 'misc',
      tags: ['ebook'],
      size,
      files: 1,
      key: `${author} ${title}`,
    };
  }

  #remark(): string {
    return Array.from({ length: this.#whole(3, 14) }, () => this.#one(REMARKS)).join(' ');
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The text with one letter of one of its longer words dropped, doubled, changed or swapped with the next. */
export function withTypo(text: string, random: () => number): string {
  const parts = text.split(' ');
  const long = parts.flatMap((word, i) => (/^[A-Za-z]{5,}$/.test(word) ? [i] : []));
  if (long.length === 0) return text;
  const i = long[Math.floor(random() * long.length)]!;
  const word = parts[i]!;
  const at = 1 + Math.floor(random() * (word.length - 2));
  const letter = String.fromCharCode(97 + Math.floor(random() * 26));
  const kinds = [
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + letter + word.slice(at),
    word.slice(0, at) + letter + word.slice(at + 1),
    word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2),
  ];
  parts[i] = kinds[Math.floor(random() * kinds.length)]!;
  return parts.join(' ');
}

/** The text with two words in each other's place. */
export function withSwappedWords(text: string, random: () => number): string {
  const parts = text.split(' ');
  if (parts.length < 2) return text;
  const at = Math.floor(random() * (parts.length - 1));
  [parts[at], parts[at + 1]] = [parts[at + 1]!, parts[at]!];
  return parts.join(' ');
}
