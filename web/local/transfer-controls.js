/**
 * What can be done with one transfer: a button to pause or resume it, and a line below it with everything else, made
 * when somebody opens it. Deleting files takes two clicks on the same button.
 */
import { FilesView } from './files-view.js';
import { element } from './listing-view.js';
import { rateField, rateOf } from './rate-field.js';

const SURE_MS = 5000;

export class TransferControls {
  #torrent;
  #on;
  #pause = this.#button('Pause', () => this.#act(this.#isPaused ? { type: 'resume' } : { type: 'pause' }));
  #more = this.#button('More', () => this.#toggle());
  #line;
  #files;
  /** For the row's last cell. */
  cell = element('td', 'action', this.#pause, ' ', this.#more);

  /** @param on `act` and `choose`, called with the torrent and what to do with it; they resolve to true when it was done */
  constructor(on) {
    this.#on = on;
    this.#more.setAttribute('aria-expanded', 'false');
  }

  get #isPaused() {
    return this.#torrent.state === 'paused' || this.#torrent.state === 'failed';
  }

  show(torrent) {
    this.#torrent = torrent;
    const label = this.#isPaused ? 'Resume' : 'Pause';
    if (this.#pause.textContent !== label) this.#pause.textContent = label;
    this.#pause.setAttribute('aria-label', `${label} ${torrent.name}`);
    this.#more.setAttribute('aria-label', `More for ${torrent.name}`);
    this.#files?.refresh();
  }

  /** The torrent is gone. */
  remove() {
    this.#line?.remove();
  }

  #toggle() {
    const isOpen = this.#line === undefined;
    this.#more.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) {
      this.#line = this.#controls();
      this.cell.parentElement.after(this.#line);
    } else {
      this.#line.remove();
      this.#line = this.#files = undefined;
    }
  }

  #controls() {
    const { queuePlace, downBytesPerSecondMax, upBytesPerSecondMax } = this.#torrent;
    const simple = element(
      'div',
      'group',
      this.#button('Check files', () => this.#act({ type: 'verify' })),
    );
    if (queuePlace !== null)
      simple.append(this.#button('First in queue', () => this.#act({ type: 'queue', to: 'first' })));
    const limits = this.#form(
      'Limit',
      [rateField('Down', downBytesPerSecondMax), rateField('Up', upBytesPerSecondMax)],
      ([down, up]) => this.#act({ type: 'limit', down: rateOf(down), up: rateOf(up) }),
    );
    const move = this.#form('Move', [folderField()], ([directory]) => this.#act({ type: 'move', directory }));
    const remove = element(
      'div',
      'group',
      this.#button('Remove', () => this.#act({ type: 'remove', withData: false })),
      this.#sureButton('Remove with files', () => this.#act({ type: 'remove', withData: true })),
    );
    this.#files = new FilesView(this.#torrent.infoHash, (priority, selectors) =>
      this.#on.choose(this.#torrent, { [priority]: selectors }),
    );
    this.#files.refresh();
    const cell = element('td', 'controls', simple, limits, move, remove, this.#files.element);
    cell.colSpan = 7;
    return element('tr', 'controls', cell);
  }

  #form(label, fields, send) {
    const button = element('button', '', label);
    const form = element('form', 'group', ...fields, button);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      await send(fields.map((one) => one.querySelector('input').value.trim()));
      button.disabled = false;
    });
    return form;
  }

  async #act(action) {
    return this.#on.act(this.#torrent, action);
  }

  #button(label, onClick) {
    const button = element('button', '', label);
    button.type = 'button';
    button.addEventListener('click', async () => {
      button.disabled = true;
      await onClick();
      button.disabled = false;
    });
    return button;
  }

  /** Asks on its own face; a second click within a few seconds means it. */
  #sureButton(label, onClick) {
    let timer;
    const calm = () => {
      timer = undefined;
      button.textContent = label;
    };
    const button = this.#button(label, () => {
      if (timer === undefined) {
        button.textContent = 'Really delete them?';
        timer = setTimeout(calm, SURE_MS);
        return undefined;
      }
      clearTimeout(timer);
      calm();
      return onClick();
    });
    button.classList.add('danger');
    return button;
  }
}

function folderField() {
  const input = element('input', 'wide');
  input.placeholder = '/home/me/films';
  input.spellcheck = false;
  input.required = true;
  input.title = 'An absolute path';
  return element('label', '', 'To folder ', input);
}
