/**
 * The local page: asks the node once a second while someone looks, and passes what people type to it. Holds no
 * truth of its own; a reload shows the same.
 */
import { change, read } from './api.js';
import { formatCount, formatLeft, formatRate, shortHex } from './format.js';
import { element, ListingView } from './listing-view.js';
import { rateField, rateOf, rateText } from './rate-field.js';
import { SupernodesView } from './supernodes-view.js';
import { TransfersView } from './transfers-view.js';

const POLL_MS = 1000;
/** Counts change without any row being added, so the listing is read again after this time at the latest. */
const LISTING_MAX_AGE_MS = 15_000;
const NOTICE_MS = 8000;
const LISTING_ROWS_MAX = 1000;

const at = (id) => document.getElementById(id);
const listing = new ListingView((row) => fetchTorrent(row.infoHash));
const transfers = new TransfersView({ act, choose });
const limitInputs = addLimitFields(at('limits'));
const supernodes = new SupernodesView();
let listingRead = { rows: -1, at: 0 };
let isPolling = false;
let isUnreachable = false;

async function poll() {
  if (isPolling || document.hidden) return;
  isPolling = true;
  try {
    const isRingShown = viewNow() === 'supernodes';
    const [status, torrents, owners] = await Promise.all([
      read('/api/status'),
      read('/api/torrents'),
      isRingShown ? read('/api/supernodes') : undefined,
    ]);
    showStatus(status);
    if (owners) supernodes.show(owners, status);
    transfers.show(torrents);
    listing.showProgress(torrents);
    const isOld = Date.now() - listingRead.at > LISTING_MAX_AGE_MS;
    if (isOld || status.listingRows !== listingRead.rows) await readListing(status.listingRows);
    if (isUnreachable) showProblem('');
    isUnreachable = false;
  } catch (error) {
    isUnreachable = true;
    showProblem(error.message);
    at('summary').textContent = 'not connected';
  } finally {
    isPolling = false;
  }
}

async function readListing(rows) {
  listing.show((await read(`/api/listing?sort=age&limit=${LISTING_ROWS_MAX}`)).rows);
  listingRead = { rows, at: Date.now() };
}

function showStatus(status) {
  const known = `${status.supernodes} supernode${status.supernodes === 1 ? '' : 's'}`;
  at('summary').textContent = `${status.network} · ${status.role} · port ${status.port} · ${known}`;
  showLimits(status.limits);
  const { trackingBytesPerSecond, hashes, peers } = status.caps;
  const facts = [
    ['Role', status.role],
    ['Network', status.network],
    ['Port', String(status.port)],
    ['Supernodes', String(status.supernodes)],
    ['Torrents listed', formatCount(status.listingRows)],
    ['Tracking, at most', formatRate(trackingBytesPerSecond)],
    ['Hashes, at most', formatCount(hashes)],
    ['Peers, at most', formatCount(peers)],
    ['Running for', formatLeft(status.uptimeSeconds)],
    ['Node', shortHex(status.nodeId)],
  ];
  replaceWhenChanged(at('network'), facts.flat().join('\n'), () =>
    facts.flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]),
  );
  const sources = status.bootstrap.map(({ source, state, found }) => [source, state, `${state}, ${found} found`]);
  replaceWhenChanged(at('bootstrap'), sources.flat().join('\n'), () =>
    sources.length === 0
      ? [element('li', '', 'None configured')]
      : sources.map(([source, state, text]) => element('li', state, `${source}: ${text}`)),
  );
}

/** Shows the node's limits, unless somebody is typing others. */
function showLimits({ downBytesPerSecondMax, upBytesPerSecondMax }) {
  const form = at('limits');
  const key = `${downBytesPerSecondMax} ${upBytesPerSecondMax}`;
  if (form.dataset.key === key || form.contains(document.activeElement)) return;
  form.dataset.key = key;
  limitInputs.down.value = rateText(downBytesPerSecondMax);
  limitInputs.up.value = rateText(upBytesPerSecondMax);
}

function replaceWhenChanged(node, key, make) {
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...make());
}

function showProblem(text) {
  at('problem').textContent = text;
  at('problem').hidden = text === '';
}

let noticeTimer;
function showNotice(text) {
  showProblem('');
  at('notice').textContent = text;
  at('notice').hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    at('notice').hidden = true;
  }, NOTICE_MS);
}

/** Runs a change that a person asked for; true when it was done. */
async function perform(path, body, doneText) {
  try {
    showNotice(doneText(await change(path, body)));
    // The form is empty again at once; what it led to shows when the next answer comes.
    poll().catch((error) => showProblem(error.message));
    return true;
  } catch (error) {
    showProblem(error.message);
    return false;
  }
}

const DONE = {
  pause: (name) => `${name} is paused`,
  resume: (name) => `${name} goes on`,
  verify: (name, { progress }) => `${name} is checked: ${Math.floor(progress * 100)} % is good`,
  queue: (name) => `${name} goes first`,
  limit: (name) => `The limits of ${name} are set`,
  move: (name, { path }) => `${name} is now ${path}`,
  remove: (name) => `${name} is removed`,
};

function act({ infoHash, name }, action) {
  return perform(`/api/torrents/${infoHash}`, action, (row) => DONE[action.type](name, row));
}

function choose({ infoHash, name }, choice) {
  return perform(`/api/torrents/${infoHash}/files`, choice, () => `What is wanted of ${name} has changed`);
}

function fetchTorrent(what) {
  return perform('/api/get', { what }, (torrent) => `Fetching ${torrent.name}`);
}

function addLimitFields(form) {
  const [down, up] = [rateField('Down, in all', null), rateField('Up, in all', null)];
  form.prepend(down, up);
  return { down: down.querySelector('input'), up: up.querySelector('input') };
}

/** Sends a form once at a time, and empties it when it was accepted. */
function onSubmit(form, send) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    if (button.disabled) return;
    button.disabled = true;
    const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
    if (await send(fields)) form.reset();
    button.disabled = false;
  });
}

onSubmit(at('add'), ({ what }) => fetchTorrent(what));
onSubmit(at('share'), ({ path, category, description, tags }) => {
  showNotice(`Reading ${path}; large folders take a while`);
  const body = { path, category, description, tags: tags.split(/[\s,]+/).filter(Boolean) };
  return perform('/api/share', body, (shared) => `Sharing ${shared.name}`);
});

at('limits').addEventListener('submit', async (event) => {
  event.preventDefault();
  const [down, up] = [limitInputs.down, limitInputs.up].map(({ value }) => rateOf(value.trim()));
  const text = ({ downBytesPerSecondMax, upBytesPerSecondMax }) =>
    `The whole node: down ${rateText(downBytesPerSecondMax) || 'no limit'}, up ${rateText(upBytesPerSecondMax) || 'no limit'}`;
  await perform('/api/limits', { down, up }, text);
});

function viewNow() {
  return location.hash === '#supernodes' ? 'supernodes' : 'torrents';
}

function showView() {
  const view = viewNow();
  for (const link of document.querySelectorAll('.views a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    at(`view-${link.dataset.view}`).hidden = link.dataset.view !== view;
  }
  poll();
}

window.addEventListener('hashchange', showView);
const isWide = matchMedia('(min-width: 70rem)').matches;
for (const panel of document.querySelectorAll('details.panel')) panel.open = isWide;
document.addEventListener('visibilitychange', poll);
setInterval(poll, POLL_MS);
showView();
