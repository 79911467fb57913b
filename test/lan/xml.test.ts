// The XML of routers: what it holds is read, what could cost or mislead us is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededRandom } from '../../src/base/index.ts';
import { fastestMs } from '../../src/io/fastest-ms.ts';
import { elementsNamed, escapeXml, parseXml, textNamed, XML_LENGTH_MAX } from '../../src/lan/xml.ts';
import { eachSeed, pick } from '../seed.ts';

test('elements, text, prefixes, attributes, comments and character data are read', () => {
  const root = parseXml(
    '<?xml version="1.0"?>\n<!-- a > b --><s:a x="1>2" y=\'/\'><b> one &amp; &#50;&#x33; </b><b/><c><![CDATA[<&>]]></c></s:a>\n',
  );
  assert.equal(root?.name, 'a');
  assert.deepEqual(
    elementsNamed(root, 'b').map(({ text }) => text),
    ['one & 23', ''],
  );
  assert.equal(textNamed(root, 'c'), '<&>');
  assert.equal(textNamed(root, 'nowhere'), undefined);
  assert.equal(parseXml(`<a>${escapeXml('<&>"\'')}</a>`)?.text, '<&>"\'');
});

test('what is not well formed, declares a type, or breaks a bound is no document', () => {
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  assert.ok(parseXml(nested(32)));
  for (const bad of [
    '',
    'text',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '<a',
    '<a x="',
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<a><!-- </a>',
    '<a><![CDATA[</a>',
    nested(34),
    `<a>${'<b/>'.repeat(2001)}</a>`,
    `<a>${' '.repeat(XML_LENGTH_MAX)}</a>`,
  ]) {
    assert.equal(parseXml(bad), undefined, bad.slice(0, 60));
  }
});

test('no bytes make it throw or take long', () => {
  const pieces = [
    '<',
    '>',
    '</',
    '/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    '"',
    "'",
    'a',
    ' ',
    '&#x110000;',
  ];
  eachSeed(3000, (seed) => {
    const random = seededRandom(seed);
    parseXml(Array.from({ length: randomBelow(random, 60) }, () => pick(random, pieces)).join(''));
  });
  for (const piece of pieces) {
    const ms = fastestMs(() => {
      parseXml(piece.repeat(XML_LENGTH_MAX / piece.length));
      parseXml(`<a ${piece.repeat((XML_LENGTH_MAX - 4) / piece.length)}`);
    });
    assert.ok(ms < 500, piece);
  }
});
