export type { Serials } from './live-zone.ts';
export { openResponder, type Responder, type ResponderOptions } from './responder.ts';
export { answersForZone, type ServerProbe } from './server-probe.ts';
export { readTsig } from './tsig-key.ts';
