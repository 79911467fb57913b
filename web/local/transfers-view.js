/** The transfers table: one row per torrent, updated in place so that focus and selection survive each second. */
import { formatLeft, formatRate, formatSize } from './format.js';
import { element } from './listing-view.js';
import { TransferControls } from './transfer-controls.js';

export class TransfersView {
  /** By info hash; rows of torrents that are gone are removed. */
  #rows = new Map();
  #section = document.querySelector('#transfers');
  #on;

  /** @param on `act` and `choose`, called with a torrent and what to do with it */
  constructor(on) {
    this.#on = on;
  }

  show(torrents) {
    this.#section.hidden = torrents.length === 0;
    const gone = new Set(this.#rows.keys());
    for (const torrent of torrents) {
      gone.delete(torrent.infoHash);
      let row = this.#rows.get(torrent.infoHash);
      if (!row) {
        row = new TransferRow(this.#on);
        this.#rows.set(torrent.infoHash, row);
        this.#section.querySelector('tbody').append(row.line);
      }
      row.show(torrent);
    }
    for (const infoHash of gone) {
      this.#rows.get(infoHash).remove();
      this.#rows.delete(infoHash);
    }
  }
}

class TransferRow {
  #name = element('span', 'title');
  #reason = element('p', 'about');
  #bar = element('progress');
  #state = element('span', 'state');
  #numbers = ['Down', 'Up', 'Peers', 'Left'].map((label) => {
    const cell = element('td', 'number');
    cell.dataset.label = label;
    return cell;
  });
  #controls;
  line;

  constructor(on) {
    this.#controls = new TransferControls(on);
    this.#name.dir = 'auto';
    this.#bar.max = 1;
    this.line = element(
      'tr',
      '',
      element('td', 'name', this.#name, this.#reason),
      element('td', 'progress', this.#bar, this.#state),
      ...this.#numbers,
      this.#controls.cell,
    );
  }

  remove() {
    this.#controls.remove();
    this.line.remove();
  }

  show(torrent) {
    this.#controls.show(torrent);
    const percent = Math.floor(torrent.progress * 1000) / 10;
    setText(this.#name, torrent.name);
    this.#name.title = torrent.path;
    setText(this.#reason, torrent.stalledBecause ?? '');
    this.#reason.hidden = torrent.stalledBecause === null;
    this.line.className = torrent.stalledBecause === null ? torrent.state : `${torrent.state} stalled`;
    this.#bar.value = torrent.progress;
    this.#bar.setAttribute('aria-label', `${torrent.name}: ${percent} %`);
    const size = torrent.size > 0 ? ` of ${formatSize(torrent.size)}` : '';
    setText(this.#state, torrent.progress === 1 ? torrent.state : `${torrent.state} ${percent} %${size}`);
    const values = [
      formatRate(torrent.downBytesPerSecond),
      formatRate(torrent.upBytesPerSecond),
      String(torrent.peers),
      torrent.secondsLeft === null ? '–' : formatLeft(torrent.secondsLeft),
    ];
    for (const [i, cell] of this.#numbers.entries()) setText(cell, values[i]);
  }
}

/** Leaves equal text alone, so that a selection in it stays. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
