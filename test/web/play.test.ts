// From the files of a torrent on the local page of a real node to what the browser plays and shows of them.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostNode } from '../app/place.ts';
import { running } from '../node/running.ts';
import { canVisit, visit } from './visit.ts';

const SECONDS = 3;
const SAMPLES = 8000;

/** Some seconds of a tone: mono, 8 bits. */
function wave(): Buffer {
  const samples = SAMPLES * SECONDS;
  const head = Buffer.from('RIFF____WAVEfmt ____________________data____', 'latin1');
  head.writeUInt32LE(36 + samples, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLES, 24);
  head.writeUInt32LE(SAMPLES, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, Buffer.from(Array.from({ length: samples }, (_, i) => 128 + 100 * Math.sin(i / 3)))]);
}

test('W-42 the files of a torrent that a browser plays or shows are a click away, and no script of theirs runs', async (t) => {
  if (!(await canVisit(t))) return;
  const { node, place } = await running(t, { lan: false });
  const folder = join(place.root, 'songs');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a tone #1.wav'), wave());
  writeFileSync(join(folder, 'b page.html'), '<script>document.title = "ran"</script>');
  writeFileSync(join(folder, 'c notes.txt'), '<script>document.title = "ran"</script>');
  await node.share(folder, {});
  const { ui } = await hostNode(t, place, node);
  const { page } = await visit(t, `${ui}#/transfers`);
  await page.getByRole('grid', { name: 'Transfers' }).getByText('songs', { exact: true }).click();
  await page.getByRole('link', { name: 'Play a tone #1.wav' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'b page.html' }).count(), 0);
  const opened = async (name: string) => {
    const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name }).click()]);
    await tab.waitForLoadState();
    return tab;
  };
  const player = await opened('Play a tone #1.wav');
  await player.waitForFunction(`document.querySelector('video, audio')?.readyState >= 3`);
  assert.equal(await player.evaluate(`document.querySelector('video, audio').duration`), SECONDS);
  const notes = await opened('Show c notes.txt');
  assert.equal(await notes.evaluate('document.body.innerText'), '<script>document.title = "ran"</script>');
  assert.notEqual(await notes.title(), 'ran');
});
