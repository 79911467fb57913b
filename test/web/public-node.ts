/** The public page of fixed rows with the headers of real ones, whatever is asked for. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { wallSeconds } from '../../src/base/index.ts';
import type { ListingRow } from '../../src/listing/index.ts';
import { PUBLIC_PAGE_POLICY, PUBLIC_STYLE, parsePageQuery, renderListingPage } from '../../web/index.ts';

/** Resolves to its address. */
export async function servePublicPage(
  t: TestContext,
  rows: readonly ListingRow[],
  network = 'monsoon',
  total: number = rows.length,
): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://x');
    if (pathname === '/page.css') {
      response.writeHead(200, { 'Content-Type': PUBLIC_STYLE.type }).end(readFileSync(PUBLIC_STYLE.file));
      return;
    }
    // A browser asks for an icon by itself.
    const status = pathname === '/' ? 200 : 204;
    const html = renderListingPage({
      ...{ query: parsePageQuery(search), rows, total, network },
      ...{ now: wallSeconds(Date.now() / 1000), announceUrl: 'http://node.example:7373/announce' },
    });
    const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': PUBLIC_PAGE_POLICY };
    response.writeHead(status, headers).end(status === 200 ? html : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
