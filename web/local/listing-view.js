/**
 * The listing table: sorts, filters and draws the rows it was given. Everything from the network becomes a text
 * node; nothing here is ever parsed as HTML.
 */
import { formatAge, formatCount, formatLeft, formatSize, isNew, magnetOf, shortHex } from './format.js';

const CATEGORIES = ['all', 'movie', 'music', 'game', 'application', 'misc'];
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** `value` is what a column sorts by; null sorts last either way. Text columns start at A, numbers at the largest. */
const COLUMNS = [
  { label: 'Cat', className: 'cat', value: (row) => row.category },
  { label: 'Name', className: 'name', value: (row) => row.name },
  { label: 'Size', className: 'number', value: (row) => row.size },
  { label: 'Files', className: 'number', value: (row) => row.files },
  { label: 'Age', className: 'number', value: (row) => row.added },
  { label: 'Seeds', className: 'number', value: (row) => row.seeders },
  { label: 'Leech', className: 'number', value: (row) => row.leechers },
  { label: 'Done', className: 'number', value: (row) => row.completions },
  { label: 'Hash', className: 'hex', value: (row) => row.infoHash },
  { label: 'By', className: 'hex', value: (row) => row.publisher },
];

/** An element with a class and children, strings among them as text. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export class ListingView {
  #rows = [];
  /** How far each torrent of ours is, by info hash. */
  #progress = new Map();
  #category = 'all';
  #words = [];
  #column = COLUMNS.find(({ label }) => label === 'Age');
  #isReversed = false;
  #drawn = '';
  #onFetch;
  #table = document.querySelector('#listing');

  /** @param onFetch called with the row whose Fetch button was pressed */
  constructor(onFetch) {
    this.#onFetch = onFetch;
    this.#drawHeader();
    document.querySelector('#categories').append(...CATEGORIES.map((category) => this.#categoryButton(category)));
    document.querySelector('#filter').addEventListener('input', (event) => {
      this.#words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.#draw();
    });
  }

  show(rows) {
    this.#rows = rows;
    this.#draw();
  }

  /** Marks the rows that are ours already. */
  showProgress(torrents) {
    this.#progress = new Map(torrents.map(({ infoHash, progress }) => [infoHash, Math.floor(progress * 100)]));
    this.#draw();
  }

  #categoryButton(category) {
    const button = element('button', '', category);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(category === this.#category));
    button.addEventListener('click', () => {
      this.#category = category;
      for (const other of button.parentElement.querySelectorAll('button'))
        other.setAttribute('aria-pressed', String(other === button));
      this.#draw();
    });
    return button;
  }

  #drawHeader() {
    const cells = COLUMNS.map((column) => {
      const button = element('button', '', column.label);
      button.type = 'button';
      const cell = element('th', column.className, button);
      cell.scope = 'col';
      button.addEventListener('click', () => {
        this.#isReversed = this.#column === column && !this.#isReversed;
        this.#column = column;
        this.#markSorted();
        this.#draw();
      });
      return cell;
    });
    const action = element('th', 'action', element('span', 'hidden', 'Fetch'));
    action.scope = 'col';
    this.#table.querySelector('thead tr').replaceChildren(...cells, action);
    this.#markSorted();
  }

  #markSorted() {
    for (const [i, cell] of [...this.#table.querySelectorAll('th')].entries()) {
      const isSorted = COLUMNS[i] === this.#column;
      if (!isSorted) cell.removeAttribute('aria-sort');
      else cell.setAttribute('aria-sort', this.#isAscending() ? 'ascending' : 'descending');
    }
  }

  #isAscending() {
    return (this.#column.className !== 'number') !== this.#isReversed;
  }

  #draw() {
    const rows = this.#rows.filter((row) => this.#isWanted(row)).sort((a, b) => this.#compare(a, b));
    const minute = Math.floor(Date.now() / 60_000);
    const state = JSON.stringify([rows, minute, [...this.#progress]]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    const focused = document.activeElement?.dataset?.infoHash;
    const body = this.#table.querySelector('tbody');
    body.replaceChildren(...rows.map((row) => this.#row(row, minute * 60)));
    if (focused) body.querySelector(`button[data-info-hash="${focused}"]`)?.focus();
    this.#describe(rows.length);
  }

  #describe(shown) {
    const total = this.#rows.length;
    document.querySelector('#shown').textContent = shown === total ? `${total} rows` : `${shown} of ${total} rows`;
    const empty = document.querySelector('#empty');
    empty.hidden = shown > 0;
    empty.textContent =
      total > 0
        ? 'No row fits this filter.'
        : 'Nothing is listed yet. Share something, or wait for the first supernode.';
    this.#table.hidden = shown === 0;
  }

  #isWanted(row) {
    if (this.#category !== 'all' && row.category !== this.#category) return false;
    if (this.#words.length === 0) return true;
    const text = [row.name, row.description, row.infoHash, row.category, ...row.tags].join(' ').toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #compare(a, b) {
    const x = this.#column.value(a);
    const y = this.#column.value(b);
    if (x === null || y === null) return (x === null) - (y === null) || b.added - a.added;
    const order = typeof x === 'string' ? collator.compare(x, y) : x - y;
    return (this.#isAscending() ? order : -order) || b.added - a.added;
  }

  #row(row, nowSeconds) {
    return element(
      'tr',
      '',
      element('td', `cat ${row.category}`, row.category),
      nameCell(row, nowSeconds),
      labelled('number', 'Size', formatSize(row.size)),
      labelled('number', 'Files', formatCount(row.files)),
      labelled('number', 'Age', formatAge(nowSeconds - row.added)),
      countCell('seeds', 'Seeds', row, row.seeders),
      countCell('leech', 'Leech', row, row.leechers),
      countCell('', 'Done', row, row.completions),
      labelled('hex', 'Hash', hashLink(row)),
      labelled('hex', 'By', publisherCode(row)),
      this.#actionCell(row),
    );
  }

  #actionCell(row) {
    const percent = this.#progress.get(row.infoHash);
    if (percent !== undefined) return element('td', 'action', percent === 100 ? 'here' : `${percent} %`);
    const button = element('button', '', 'Fetch');
    button.type = 'button';
    button.dataset.infoHash = row.infoHash;
    button.setAttribute('aria-label', `Fetch ${row.name}`);
    button.addEventListener('click', () => this.#onFetch(row));
    return element('td', 'action', button);
  }
}

function nameCell(row, nowSeconds) {
  const name = element('span', 'title', row.name);
  name.dir = 'auto';
  const cell = element('td', 'name', name);
  if (isNew(row.added, nowSeconds)) cell.append(element('span', 'badge new', 'new'));
  if (row.verified) {
    const verified = element('span', 'badge verified', 'verified');
    verified.title = "Name, size and files were checked against the torrent's metadata";
    cell.append(verified);
  }
  cell.append(...row.tags.map((tag) => element('span', 'badge', tag)));
  if (row.description !== '') {
    const about = element('p', 'about', row.description);
    about.dir = 'auto';
    about.title = row.description;
    cell.append(about);
  }
  return cell;
}

function labelled(className, label, content) {
  const cell = element('td', className, content);
  cell.dataset.label = label;
  return cell;
}

function countCell(kind, label, row, count) {
  const cell = labelled(`number ${count === null ? 'unknown' : kind}`, label, formatCount(count));
  const source = row.countsFrom === null ? '' : ` by ${shortHex(row.countsFrom)}`;
  const age = row.countsAgeSeconds === null ? '' : `, ${formatLeft(row.countsAgeSeconds)} before this list was read`;
  cell.title = count === null ? 'Nobody has counted' : `Counted${source}${age}`;
  return cell;
}

function hashLink(row) {
  const link = element('a', '', element('code', '', shortHex(row.infoHash)));
  link.href = magnetOf(row.infoHash, row.name);
  link.title = `Magnet link of ${row.infoHash}`;
  return link;
}

function publisherCode(row) {
  const code = element('code', '', shortHex(row.publisher));
  code.title = row.publisher;
  return code;
}
