import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { buildPage } from '../../web/build.ts';
import { PUBLIC_STYLE, STATIC_FILES, TOKEN_PLACEHOLDER } from '../../web/index.ts';

const tokens = readFileSync(new URL('../../web/style/tokens.css', import.meta.url), 'utf8');
const AA_CONTRAST = 4.5;
/** What shows where a field or a mark is, and is no text (WCAG 2.1, 1.4.11). */
const AA_CONTRAST_OF_SHAPES = 3;
const TEXT_COLOURS = ['ink', 'muted', 'accent', 'seeds', 'leech', 'warn', 'movie', 'music', 'game', 'application'];
const GROUNDS = ['paper', 'sheet', 'hover', 'chosen'];

before(() => buildPage());

/** The colour variables of the nth `:root` block: 0 is light, 1 dark. */
function palette(nth: number): Map<string, string> {
  const block = [...tokens.matchAll(/:root \{([^}]*)\}/g)][nth]![1]!;
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]+);/g)].map(([, name, colour]) => [name!, colour!]));
}

/** Relative luminance by WCAG 2. */
function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.replace(/[0-9a-f]/g, '$&$&') : colour;
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright! + 0.05) / (dark! + 0.05);
}

for (const [nth, scheme] of ['light', 'dark'].entries()) {
  test(`every text has AA contrast on every ground it stands on, and every field can be seen, ${scheme}`, () => {
    const colours = palette(nth);
    const ratioOf = (text: string, ground: string): number => contrast(colours.get(text)!, colours.get(ground)!);
    const pairs = TEXT_COLOURS.flatMap((text) => GROUNDS.map((ground): [string, string] => [text, ground]));
    const others: [string, string][] = [
      ...([
        ['on-accent', 'accent'],
        ['problem', 'problem-paper'],
        ['problem', 'sheet'],
        ['problem', 'paper'],
      ] as const),
      ['ink', 'line'],
    ].map(([text, ground]) => [text!, ground!]);
    for (const [text, ground] of [...pairs, ...others]) {
      const ratio = ratioOf(text, ground);
      assert.ok(ratio >= AA_CONTRAST, `${text} on ${ground}: ${ratio.toFixed(2)}`);
    }
    for (const ground of ['paper', 'sheet']) {
      const ratio = ratioOf('field-line', ground);
      assert.ok(ratio >= AA_CONTRAST_OF_SHAPES, `field-line on ${ground}: ${ratio.toFixed(2)}`);
    }
  });
}

test('every built file is there, and names no other file than those that are served', () => {
  for (const [path, { file }] of [...STATIC_FILES, ['/page.css', PUBLIC_STYLE] as const]) {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.length > 0, path);
    assert.doesNotMatch(text, /sourceMappingURL|@import|url\(/, path);
  }
  const html = readFileSync(STATIC_FILES.get('/')!.file, 'utf8');
  const named = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path!);
  assert.deepEqual(named.toSorted(), ['/index.css', '/index.js']);
});

test('the page holds one place for its token and nothing inline', () => {
  const html = readFileSync(STATIC_FILES.get('/')!.file, 'utf8');
  assert.equal(html.split(`content="${TOKEN_PLACEHOLDER}"`).length, 2);
  assert.equal(html.split(TOKEN_PLACEHOLDER).length, 2);
  assert.doesNotMatch(html, /<style|style=|\son\w+=|<script(?![^>]* src=)/i);
});

test('what the page is made of could not turn a text into HTML or a script', () => {
  const script = readFileSync(STATIC_FILES.get('/index.js')!.file, 'utf8');
  assert.doesNotMatch(script, /\beval\(|new Function|document\.write|insertAdjacentHTML|\.outerHTML/);
  // preact's own way to set HTML exists in its code; ours never asks for it.
  for (const [source] of readFileSync(STATIC_FILES.get('/index.js')!.file, 'utf8').matchAll(
    /dangerouslySetInnerHTML[^,;]{0,20}/g,
  ))
    assert.doesNotMatch(source, /^dangerouslySetInnerHTML:\{/);
});
