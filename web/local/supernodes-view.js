/**
 * The ring of hashes as a picture and as a table: who owns which arc, how busy each owner is, and what moves. Both show
 * the same; the table is for screen readers and narrow screens, and for whoever wants the numbers.
 */
import { formatCount, formatLeft, formatRate, shortHex } from './format.js';
import { element } from './listing-view.js';

const SVG = 'http://www.w3.org/2000/svg';
/** Owners are told apart by as many colours as people can name; then they begin again. */
const COLOURS = 8;
/** More arcs than this are thinner than a pixel, and more lines than this nobody reads. */
const ARCS_MAX = 1500;
const LINES_MAX = 300;
const OUTER = 100;
const INNER = 72;
const LABELS_AT = 110;
const POSITION_DIGITS = 12;
const GAP_DEGREES = 0.6;

export class SupernodesView {
  #drawn = '';

  /** @param rows as GET /api/supernodes gives them */
  show(rows, status) {
    const { handOff } = status.overlay;
    this.#showFacts(status);
    const key = JSON.stringify([rows, handOff]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const owners = rows.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const arcs = owners.flatMap((owner, i) => owner.ranges.map((range) => ({ owner, colour: i % COLOURS, range })));
    arcs.sort((a, b) => (a.range.to < b.range.to ? -1 : 1));
    at('supernodes-empty').hidden = rows.length > 0;
    at('ring').hidden = rows.length === 0;
    at('ranges').hidden = rows.length === 0;
    at('ring-picture').replaceChildren(picture(arcs.slice(0, ARCS_MAX), owners, handOff));
    at('owners').replaceChildren(...owners.slice(0, LINES_MAX).map((owner, i) => ownerItem(owner, i % COLOURS)));
    at('ranges')
      .querySelector('tbody')
      .replaceChildren(...arcs.slice(0, LINES_MAX).map((arc) => rangeLine(arc, handOff)));
    const left = arcs.length - LINES_MAX;
    at('ranges-more').hidden = left <= 0;
    at('ranges-more').textContent = `and ${formatCount(left)} more ranges`;
  }

  #showFacts({ role, overlay, caps }) {
    const { used, term, termEndsInSeconds, lastElection, lastHandOff, handOff } = overlay;
    const now = Date.now() / 1000;
    const facts = [['This node', role === 'leaving' ? 'hands over what it owns' : role]];
    if (termEndsInSeconds !== null) facts.push(['Term', `${term}, ends in ${formatLeft(termEndsInSeconds)}`]);
    facts.push([
      'Bandwidth',
      `${formatRate(used.trackingBytesPerSecond)} of ${formatRate(caps.trackingBytesPerSecond)}`,
    ]);
    facts.push(['Hashes', `${formatCount(used.hashes)} of ${formatCount(caps.hashes)}`]);
    facts.push(['Peers', `${formatCount(used.peers)} of ${formatCount(caps.peers)}`]);
    if (lastElection) facts.push(['Elected', `${formatLeft(Math.max(1, now - lastElection.at))} ago`]);
    if (handOff) facts.push(['Hands over', `to ${shortHex(handOff.to)}, ${handOff.step}`]);
    else if (lastHandOff) facts.push(['Last hand-off', handOffText(lastHandOff, now)]);
    const list = at('duty');
    const key = facts.flat().join('\n');
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(
      ...facts.map(([name, value]) => element('div', '', element('dt', '', name), element('dd', '', value))),
    );
  }
}

function at(id) {
  return document.getElementById(id);
}

function handOffText({ at: when, to, failedAt }, now) {
  const what = failedAt === null ? `to ${shortHex(to)}` : `failed with ${shortHex(to)}`;
  return `${what}, ${formatLeft(Math.max(1, now - when))} ago`;
}

/** An SVG element with attributes and children. */
function drawn(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

function picture(arcs, owners, handOff) {
  const names = owners.length === 1 ? '1 supernode' : `${formatCount(owners.length)} supernodes`;
  const count = arcs.length === 1 ? '1 range' : `${formatCount(arcs.length)} ranges`;
  const svg = drawn('svg', {
    viewBox: '-118 -118 236 236',
    role: 'img',
    'aria-label': `${names}, ${count}; see the table`,
  });
  svg.append(...arcs.map(arcPath), ...['0', '4', '8', 'c'].map((digit) => positionLabel(digit)));
  if (handOff) svg.append(movingPath(handOff), ...movingArrow(arcs, handOff));
  svg.append(drawn('text', { class: 'count', y: -2 }, names), drawn('text', { class: 'of', y: 14 }, count));
  return svg;
}

function arcPath({ owner, colour, range }) {
  const classes = ['arc', `owner-${colour}`, ...(owner.isSelf ? ['own'] : [])];
  const path = drawn('path', {
    class: classes.join(' '),
    d: annulus(range, INNER, OUTER),
    // Even an idle range is seen.
    'fill-opacity': (0.45 + 0.55 * Math.min(1, owner.load)).toFixed(2),
  });
  path.append(drawn('title', {}, `${shortHex(owner.nodeId)}: ${rangeText(range)}, ${percent(owner.load)} busy`));
  return path;
}

function movingPath({ range }) {
  return drawn('path', { class: 'moving', d: annulus(range, INNER - 4, OUTER + 4) });
}

/** From the middle of what moves to the nearest arc of whoever takes it. */
function movingArrow(arcs, { to, range }) {
  const taker = arcs.find(({ owner }) => owner.nodeId === to);
  if (!taker) return [];
  const [x1, y1] = pointAt(middleOf(range), INNER - 8);
  const [x2, y2] = pointAt(middleOf(taker.range), INNER - 8);
  return [
    drawn('path', { class: 'way', d: `M${x1} ${y1}Q0 0 ${x2} ${y2}` }),
    drawn('circle', { class: 'head', cx: x2, cy: y2, r: 4 }),
  ];
}

function positionLabel(digit) {
  const [x, y] = pointAt(degreesOf(digit.padEnd(40, '0')), LABELS_AT);
  return drawn('text', { class: 'position', x, y: y + 3 }, `${digit}…`);
}

/** Where a position lies, clockwise from the top. */
function degreesOf(position) {
  return (Number.parseInt(position.slice(0, POSITION_DIGITS), 16) / 16 ** POSITION_DIGITS) * 360;
}

function spanOf({ from, to }) {
  return from === to ? 360 : (degreesOf(to) - degreesOf(from) + 360) % 360;
}

function middleOf(range) {
  return degreesOf(range.from) + spanOf(range) / 2;
}

function pointAt(degrees, radius) {
  const angle = ((degrees - 90) * Math.PI) / 180;
  return [Math.round(Math.cos(angle) * radius * 100) / 100, Math.round(Math.sin(angle) * radius * 100) / 100];
}

/** The outline of an arc of a ring; a circle is drawn in two halves, because one arc of 360 degrees is nothing. */
function annulus(range, inner, outer) {
  const span = spanOf(range);
  if (span > 359.9) return `${circle(outer, 1)}${circle(inner, 0)}`;
  const gap = Math.min(GAP_DEGREES, span / 4) / 2;
  const [start, end] = [degreesOf(range.from) + gap, degreesOf(range.from) + span - gap];
  const large = end - start > 180 ? 1 : 0;
  const to = (degrees, radius) => pointAt(degrees, radius).join(' ');
  return `M${to(start, outer)}A${outer} ${outer} 0 ${large} 1 ${to(end, outer)}L${to(end, inner)}A${inner} ${inner} 0 ${large} 0 ${to(start, inner)}Z`;
}

function circle(radius, sweep) {
  return `M0 ${-radius}A${radius} ${radius} 0 0 ${sweep} 0 ${radius}A${radius} ${radius} 0 0 ${sweep} 0 ${-radius}Z`;
}

function ownerItem(owner, colour) {
  const share = owner.ranges.reduce((sum, range) => sum + spanOf(range), 0) / 360;
  const code = element('code', '', shortHex(owner.nodeId));
  code.title = owner.nodeId;
  const item = element('li', '', swatch(colour), code, ` ${percent(share)} of the ring, ${percent(owner.load)} busy`);
  if (owner.isSelf) item.append(element('span', 'badge new', 'this node'));
  if (owner.isLeaving) item.append(element('span', 'badge', 'leaving'));
  return item;
}

function swatch(colour) {
  const box = drawn('svg', { class: 'swatch', viewBox: '0 0 10 10', 'aria-hidden': 'true' });
  box.append(drawn('rect', { class: `owner-${colour}`, width: 10, height: 10, rx: 3 }));
  return box;
}

function rangeLine({ owner, colour, range }, handOff) {
  const code = element('code', '', shortHex(owner.nodeId));
  code.title = owner.nodeId;
  const name = element('td', 'owner', swatch(colour), code);
  if (owner.isSelf) name.append(element('span', 'badge new', 'this node'));
  if (handOff && owner.isSelf && isWithin(handOff.range.to, range)) name.append(element('span', 'badge', 'hands over'));
  const cells = [
    ['Range', 'hex', element('code', '', rangeText(range))],
    ['Share', 'number', percent(spanOf(range) / 360)],
    ['Load', 'number', percent(owner.load)],
    ['Epoch', 'number', String(range.epoch)],
    ['Term', 'number', String(owner.term)],
    ['By', '', range.by === 'grant' ? 'a hand-off' : 'its election'],
  ];
  return element('tr', '', name, ...cells.map(([label, className, content]) => cell(label, className, content)));
}

function cell(label, className, content) {
  const made = element('td', className, content);
  made.dataset.label = label;
  return made;
}

function isWithin(position, { from, to }) {
  if (from < to) return position > from && position <= to;
  return position > from || position <= to;
}

function rangeText({ from, to }) {
  return from === to ? 'everything' : `${shortHex(from)}… – ${shortHex(to)}…`;
}

/** 0–1; what is there at all is not 0 %. */
function percent(part) {
  return part > 0 && part < 0.01 ? '< 1 %' : `${Math.round(part * 100)} %`;
}
