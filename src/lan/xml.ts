/**
 * As much XML as a router's device description and SOAP answers need: elements and text. Bounded in size, depth and
 * number; no document types, so no entities of the sender's own; attributes and namespaces are skipped.
 */

/** One element; `name` is without its prefix, `text` is its own text, trimmed. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Characters of a document. */
export const XML_LENGTH_MAX = 65_536;
const DEPTH_MAX = 32;
const ELEMENTS_MAX = 2000;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

interface Open {
  name: string;
  text: string;
  children: XmlElement[];
}

/** The root element; undefined when the document is not well formed, breaks a bound or declares a type. */
export function parseXml(document: string): XmlElement | undefined {
  if (document.length > XML_LENGTH_MAX) return undefined;
  const top: Open = { name: '', text: '', children: [] };
  const path: Open[] = [top];
  let elements = 0;
  let at = 0;
  while (at < document.length) {
    const parent = path.at(-1)!;
    const next = document.indexOf('<', at);
    parent.text += unescaped(document.slice(at, next < 0 ? document.length : next));
    if (next < 0) break;
    const skipped = skipMarkup(document, next, parent);
    if (skipped === undefined) return undefined;
    if (skipped > next) {
      at = skipped;
      continue;
    }
    const end = tagEnd(document, next);
    const tag = end < 0 ? undefined : /^<(\/?)([\w.-]+:)?([\w.-]+)(?:\s[\s\S]*|\/)?$/.exec(document.slice(next, end));
    if (!tag) return undefined;
    at = end + 1;
    if (tag[1] === '/') {
      if (path.length === 1 || parent.name !== tag[3]) return undefined;
      path.pop();
      parent.text = parent.text.trim();
      continue;
    }
    const element: Open = { name: tag[3]!, text: '', children: [] };
    if (++elements > ELEMENTS_MAX || path.length > DEPTH_MAX) return undefined;
    parent.children.push(element);
    if (document[end - 1] !== '/') path.push(element);
  }
  return path.length === 1 && top.children.length === 1 && top.text.trim() === '' ? top.children[0] : undefined;
}

/** Every element of that name, the root included, in document order. */
export function elementsNamed(root: XmlElement, name: string): XmlElement[] {
  const inside = root.children.flatMap((child) => elementsNamed(child, name));
  return root.name === name ? [root, ...inside] : inside;
}

/** The text of the first element of that name. */
export function textNamed(root: XmlElement, name: string): string | undefined {
  return elementsNamed(root, name)[0]?.text;
}

/** Where a comment, a processing instruction or a CDATA section ends; `at` when there is none, undefined when refused. */
function skipMarkup(document: string, at: number, parent: Open): number | undefined {
  const kinds = [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ] as const;
  for (const [opening, closing] of kinds) {
    if (!document.startsWith(opening, at)) continue;
    const end = document.indexOf(closing, at + opening.length);
    if (end < 0) return undefined;
    if (opening === '<![CDATA[') parent.text += document.slice(at + opening.length, end);
    return end + closing.length;
  }
  return document[at + 1] === '!' ? undefined : at;
}

/** The `>` that ends a tag, those in attribute values skipped; -1 when there is none. */
function tagEnd(document: string, from: number): number {
  let quote = '';
  for (let at = from; at < document.length; at++) {
    const character = document[at]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at;
  }
  return -1;
}

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Text as it may stand in an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
