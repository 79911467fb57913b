/**
 * The runtime's HTTP server and its client. Not by an import statement, which reads every export of the module: one of them
 * loads a second HTTP client, which takes a small process 15 MiB and 60 ms.
 */
const http: typeof import('node:http') = process.getBuiltinModule('node:http');

export const createServer: typeof http.createServer = http.createServer;
export const get: typeof http.get = http.get;
