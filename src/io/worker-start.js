// The first script of every thread. Threads do not inherit the cache of compiled sources; without it each would load
// the compiler that strips types, which takes 17 MiB.
import module from 'node:module';
import { workerData } from 'node:worker_threads';

const { entry, cacheDirectory } = workerData;
if (cacheDirectory !== undefined) module.enableCompileCache(cacheDirectory);
await import(entry);
module.flushCompileCache();
