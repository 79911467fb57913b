/** Some other web site, which links to a node's page. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { escapeHtml } from '../../web/index.ts';

/** Its address; by another name than the node's, so that a browser takes the two for different sites. */
export async function startOtherSite(t: TestContext, target: string): Promise<string> {
  const html = `<!doctype html><title>elsewhere</title><a href="${escapeHtml(target)}">film</a>`;
  const server = createServer((request, response) => {
    const isPage = request.url === '/';
    response.writeHead(isPage ? 200 : 204, { 'Content-Type': 'text/html' }).end(isPage ? html : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}
