/** Sends clients back to itself, under its own name. */
import type { HostileRole } from './hostile-role.ts';

export const loopsRedirects: HostileRole = {
  name: 'loops-redirects',
  serve: (node) => ({ type: 'redirect', to: { nodeId: node.nodeId, addresses: [node.endpoint.address] } }),
};
