export { openResponder, type Responder, type ResponderOptions } from './responder.ts';
