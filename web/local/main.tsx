/** The beginning of the local page. It holds no truth of its own: a reload shows the same. */
import { render } from 'preact';
import { offerMagnets } from './add/magnet-handler.ts';
import { goLive } from './live.ts';
import { Page } from './page.tsx';

const root = document.getElementById('page');
if (root) {
  root.replaceChildren();
  render(<Page />, root);
}
goLive();
offerMagnets();
