/**
 * The files of one transfer: how far each is, and how much it is wanted. Read while somebody looks, and updated in
 * place so that focus stays; what is chosen is sent at once.
 */
import { read } from './api.js';
import { formatSize } from './format.js';
import { element } from './listing-view.js';

const READ_MS = 3000;
/** A torrent can have a million files; the filter finds what lies beyond. */
const ROWS_MAX = 300;
/** What the node takes in one selector. */
const SELECTOR_LENGTH_MAX = 4000;
const PRIORITIES = [
  ['skip', 'leave out'],
  ['low', 'last'],
  ['normal', 'normal'],
  ['high', 'first'],
];

export class FilesView {
  #infoHash;
  #onChoose;
  #files = [];
  /** By the file's index. */
  #rows = new Map();
  #readAt = 0;
  #filter = element('input');
  #body = element('tbody');
  #note = element('p', 'about');
  #shownPriority = prioritySelect('Set all shown files to');
  element;

  /** @param onChoose called with a priority's name and selectors; resolves to true when that was done */
  constructor(infoHash, onChoose) {
    this.#infoHash = infoHash;
    this.#onChoose = onChoose;
    this.#filter.type = 'search';
    this.#filter.placeholder = 'Filter files';
    this.#filter.setAttribute('aria-label', 'Show files that contain');
    this.#filter.addEventListener('input', () => this.#draw());
    this.#shownPriority.prepend(new Option('Set shown to…', '', true, true));
    this.#shownPriority.addEventListener('change', () => this.#chooseShown());
    this.#note.setAttribute('role', 'status');
    const table = element('table', 'files', this.#body);
    table.setAttribute('aria-label', 'Files');
    this.element = element(
      'div',
      'file-list',
      element('div', 'group', this.#filter, this.#shownPriority),
      table,
      this.#note,
    );
  }

  /** Reads the files again when they are old; called as often as one likes. */
  async refresh() {
    if (Date.now() - this.#readAt < READ_MS) return;
    this.#readAt = Date.now();
    try {
      const { fileList } = await read(`/api/info/${this.#infoHash}`);
      this.#files = fileList;
      this.#draw();
    } catch (error) {
      this.#note.textContent = error.message;
    }
  }

  get #shown() {
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    return this.#files.filter(({ path }) => words.every((word) => path.toLowerCase().includes(word)));
  }

  #draw() {
    const all = this.#shown;
    const shown = all.slice(0, ROWS_MAX);
    const lines = shown.map((file) => this.#rowOf(file));
    const isSame =
      lines.length === this.#body.childElementCount && lines.every((line, i) => line === this.#body.children[i]);
    if (!isSame) this.#body.replaceChildren(...lines);
    this.#note.textContent = noteOf(this.#files.length, all.length, shown.length);
  }

  #rowOf(file) {
    let row = this.#rows.get(file.index);
    if (!row) {
      row = new FileRow(file, (priority) => this.#choose(priority, [String(file.index)]));
      this.#rows.set(file.index, row);
    }
    row.show(file);
    return row.line;
  }

  #chooseShown() {
    const priority = this.#shownPriority.value;
    this.#shownPriority.value = '';
    return this.#choose(priority, selectorsOf(this.#shown.map(({ index }) => index)));
  }

  async #choose(priority, selectors) {
    if (selectors.length === 0) return;
    await this.#onChoose(priority, selectors);
    this.#readAt = 0;
    await this.refresh();
  }
}

class FileRow {
  #path = element('td', 'name');
  #size = element('td', 'number');
  #progress = element('td', 'number');
  #select;
  line;

  constructor({ path, size }, onChoose) {
    const name = element('span', 'title', path);
    name.dir = 'auto';
    this.#path.append(name);
    this.#size.textContent = formatSize(size);
    this.#select = prioritySelect(`How much ${path} is wanted`);
    this.#select.addEventListener('change', () => onChoose(this.#select.value));
    this.line = element('tr', '', this.#path, this.#size, this.#progress, element('td', 'choice', this.#select));
  }

  show({ priority, progress }) {
    const percent = `${Math.floor(progress * 100)} %`;
    if (this.#progress.textContent !== percent) this.#progress.textContent = percent;
    // While somebody chooses, what the node says is older than the choice.
    if (document.activeElement !== this.#select) this.#select.value = priority;
    this.line.className = priority === 'skip' ? 'skipped' : '';
  }
}

function prioritySelect(label) {
  const select = element('select', '', ...PRIORITIES.map(([value, text]) => new Option(text, value)));
  select.setAttribute('aria-label', label);
  return select;
}

function noteOf(total, fitting, shown) {
  if (total === 0) return 'The files are not known yet.';
  if (fitting === 0) return 'No file fits this filter.';
  return shown < fitting ? `${shown} of ${fitting} files are shown; the filter finds the others.` : '';
}

/** Indices in ascending order as `0,2,4-6`, in as many texts as the node takes. */
function selectorsOf(indices) {
  const ranges = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  const selectors = [];
  for (const [from, to] of ranges) {
    const range = from === to ? `${from}` : `${from}-${to}`;
    const last = selectors.at(-1);
    if (last !== undefined && last.length + range.length < SELECTOR_LENGTH_MAX)
      selectors[selectors.length - 1] = `${last},${range}`;
    else selectors.push(range);
  }
  return selectors;
}
