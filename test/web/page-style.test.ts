import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { STATIC_FILES, TOKEN_PLACEHOLDER } from '../../web/index.ts';

const style = readFileSync(STATIC_FILES.get('/page.css')!.file, 'utf8');
const AA_CONTRAST = 4.5;
const TEXT_COLOURS = [...['ink', 'muted', 'accent', 'seeds', 'leech', 'movie', 'music', 'game', 'application']];

/** The colour variables of the nth `:root` block: 0 is light, 1 dark. */
function palette(nth: number): Map<string, string> {
  const block = [...style.matchAll(/:root \{([^}]*)\}/g)][nth]![1]!;
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
  test(`every text has AA contrast on every ground it stands on, ${scheme}`, () => {
    const colours = palette(nth);
    const pairs = TEXT_COLOURS.flatMap((text) => ['paper', 'sheet', 'hover'].map((ground) => [text, ground]));
    for (const [text, ground] of [...pairs, ['on-accent', 'accent'], ['problem', 'problem-paper']]) {
      const ratio = contrast(colours.get(text!)!, colours.get(ground!)!);
      assert.ok(ratio >= AA_CONTRAST, `${text} on ${ground}: ${ratio.toFixed(2)}`);
    }
  });
}

test('every static file exists, and the modules of the page import only each other', () => {
  for (const [path, { file, type }] of STATIC_FILES) {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.length > 0, path);
    if (!type.startsWith('text/javascript')) continue;
    for (const [, name] of text.matchAll(/from '\.(\/[^']+)'/g)) assert.ok(STATIC_FILES.has(name!), `${path}: ${name}`);
  }
});

test('the page holds one place for its token and nothing inline', () => {
  const html = readFileSync(STATIC_FILES.get('/')!.file, 'utf8');
  assert.equal(html.split(`content="${TOKEN_PLACEHOLDER}"`).length, 2);
  assert.equal(html.split(TOKEN_PLACEHOLDER).length, 2);
  assert.doesNotMatch(html, /<style|style=|\son\w+=|<script(?![^>]* src=)/i);
});
